/** @file The look of a report: the reader's own font and colour scheme. */

export const style = `
:root { color-scheme: light dark; --ink: #1f2328; --soft: #656d76; --rule: #d8dee4; --mark: #0a69da; --paper: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #8d96a0; --rule: #30363d; --mark: #58a6ff; --paper: #0d1117; } }
body { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
.product { margin: 0; color: var(--soft); letter-spacing: .08em; text-transform: uppercase; font-size: .75rem; }
h1 { margin: 0 0 1.5rem; font-size: 1.7rem; font-weight: 600; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.15rem; font-weight: 600; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; font-weight: 600; }
p, footer { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem 1.25rem .3rem 0; text-align: right; border-bottom: 1px solid var(--rule); font-weight: 400; }
thead th { color: var(--soft); vertical-align: bottom; }
tbody th, thead th:first-child { text-align: left; } .picture { padding-right: 0; }
svg { display: block; } .edge { stroke: var(--mark); fill: none; } .node { fill: var(--ink); } .bar { fill: var(--mark); }
.label { fill: var(--soft); font: 12px system-ui, sans-serif; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: .85rem; }
`;
