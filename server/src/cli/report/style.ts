/** @file The look of a report: paper and colours of the figures, light or dark as the reader has it. */

import { darkLook, lightLook, rules, type Look } from "../../figures/look";

const colours = ({ strong, text, grid, paper }: Look): string => `--strong: ${strong}; --text: ${text}; --rule: ${grid}; --paper: ${paper};`;

export const style = `
:root { color-scheme: light dark; ${colours(lightLook)} }
${rules(lightLook, "figure ")}
@media (prefers-color-scheme: dark) { :root { ${colours(darkLook)} } ${rules(darkLook, "figure ")} }
body { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.5rem; font: 15px/1.5 ${lightLook.font}; color: var(--strong); background: var(--paper); }
.product { margin: 0; color: var(--text); letter-spacing: .08em; text-transform: uppercase; font-size: .75rem; }
h1 { margin: 0 0 1.5rem; font-size: 1.7rem; font-weight: 600; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.15rem; font-weight: 600; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; font-weight: 600; }
p, footer { color: var(--text); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 0; }
dt { color: var(--text); } dd { margin: 0; overflow-wrap: anywhere; }
figure, .table { margin: 1rem 0; overflow-x: auto; }
svg { display: block; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem 1.25rem .3rem 0; text-align: right; border-bottom: 1px solid var(--rule); font-weight: 400; }
thead th { color: var(--text); vertical-align: bottom; }
tbody th, thead th:first-child { text-align: left; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: .85rem; }
`;
