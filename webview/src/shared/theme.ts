/**
 * @file Colours of the editor's theme for canvases. VS Code marks the kind of theme on the body; media queries say
 * nothing in a webview, so the classes are watched.
 */

import { signal, type ReadonlySignal } from "@preact/signals-core";
import type { Rgb } from "../../../server/src/figures/look";

export interface Theme {
  light: boolean;
  highContrast: boolean;
  background: string;
  foreground: string;
  muted: string;
  line: string;
  /** For what is not known yet. */
  hatch: string;
  focus: string;
  accent: string;
  match: string;
  /** Red, green, blue of positive and negative values. */
  positive: Rgb;
  negative: Rgb;
  font: string;
  monospace: string;
}


export const rgba = ([red, green, blue]: Rgb, alpha = 1): string => `rgba(${red},${green},${blue},${alpha})`;

const signColours = {
  light: { positive: [26, 96, 170], negative: [196, 70, 20] },
  dark: { positive: [102, 176, 240], negative: [240, 138, 92] },
  contrastDark: { positive: [120, 200, 255], negative: [255, 160, 100] },
  contrastLight: { positive: [0, 62, 140], negative: [160, 42, 0] },
} as const satisfies Record<string, { positive: Rgb; negative: Rgb }>;

function readTheme(): Theme {
  const { classList } = document.body;
  const light = classList.contains("vscode-light") || classList.contains("vscode-high-contrast-light");
  const highContrast = classList.contains("vscode-high-contrast");
  const style = getComputedStyle(document.documentElement);
  const read = (names: string[], otherwise: string): string => {
    for (const name of names) {
      const value = style.getPropertyValue(name).trim();
      if (value !== "") return value;
    }
    return otherwise;
  };
  const foreground = read(["--vscode-editor-foreground", "--vscode-foreground"], light ? "#1f1f1f" : "#cccccc");
  return {
    light,
    highContrast,
    foreground,
    background: read(["--vscode-editor-background"], light ? "#ffffff" : "#1f1f1f"),
    muted: highContrast ? foreground : read(["--vscode-descriptionForeground"], foreground),
    line: read(["--vscode-contrastBorder", "--vscode-editorWidget-border", "--vscode-panel-border"], light ? "#d4d4d4" : "#454545"),
    hatch: `color-mix(in srgb, ${foreground} ${highContrast ? 45 : 16}%, transparent)`,
    focus: read(["--vscode-contrastActiveBorder", "--vscode-focusBorder"], "#007fd4"),
    accent: read(["--vscode-charts-blue", "--vscode-textLink-foreground"], "#3794ff"),
    match: read(["--vscode-editor-findMatchHighlightBorder", "--vscode-charts-yellow"], "#cca700"),
    ...signColours[highContrast ? (light ? "contrastLight" : "contrastDark") : light ? "light" : "dark"],
    font: read(["--vscode-font-family"], "system-ui, sans-serif"),
    monospace: read(["--vscode-editor-font-family"], "monospace"),
  };
}

/** The theme, read again whenever the user changes it. */
export function watchTheme(): ReadonlySignal<Theme> {
  const theme = signal(readTheme());
  const observer = new MutationObserver(() => { theme.value = readTheme(); });
  observer.observe(document.body, { attributes: true, attributeFilter: ["class", "data-vscode-theme-id"] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style"] });
  return theme;
}
