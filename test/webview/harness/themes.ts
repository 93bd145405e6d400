/** @file The part of VS Code's four default themes that the view reads, as VS Code gives it: variables on <html>, classes on <body>. */

export type ThemeName = "dark" | "light" | "high-contrast" | "high-contrast-light";

interface ThemeFixture { classes: string; variables: Record<string, string> }

const shared = {
  "font-family": "'DejaVu Sans', sans-serif", "font-size": "13px", "font-weight": "normal", "editor-font-family": "'DejaVu Sans Mono', monospace", "editor-font-size": "14px",
};

const dark = {
  "editor-background": "#1f1f1f", "editor-foreground": "#cccccc", "foreground": "#cccccc", "descriptionForeground": "#9d9d9d", "focusBorder": "#0078d4", "panel-border": "#2b2b2b",
  "editorWidget-background": "#202020", "editorWidget-border": "#313131", "button-background": "#0078d4", "button-foreground": "#ffffff", "button-hoverBackground": "#026ec1", "button-border": "rgba(255,255,255,0.07)",
  "button-secondaryBackground": "#313131", "button-secondaryForeground": "#cccccc", "button-secondaryHoverBackground": "#3c3c3c",
  "dropdown-background": "#313131", "dropdown-border": "#3c3c3c", "dropdown-foreground": "#cccccc", "dropdown-listBackground": "#1f1f1f", "input-background": "#313131", "input-foreground": "#cccccc", "input-border": "#3c3c3c", "input-placeholderForeground": "#989898",
  "checkbox-background": "#313131", "checkbox-border": "#3c3c3c", "checkbox-foreground": "#cccccc", "settings-checkboxBackground": "#313131",
  "list-hoverBackground": "#2a2d2e", "list-activeSelectionBackground": "#04395e", "list-activeSelectionForeground": "#ffffff", "badge-background": "#616161", "badge-foreground": "#f8f8f8",
  "textLink-foreground": "#4daafc", "errorForeground": "#f85149", "inputValidation-errorBackground": "#5a1d1d", "inputValidation-errorBorder": "#be1100", "progressBar-background": "#0078d4", "charts-blue": "#3794ff", "charts-yellow": "#cca700",
  "menu-background": "#1f1f1f", "menu-foreground": "#cccccc", "menu-border": "#454545", "menu-selectionBackground": "#0078d4", "menu-selectionForeground": "#ffffff", "panelTitle-activeBorder": "#0078d4", "panelTitle-activeForeground": "#cccccc",
  "widget-shadow": "rgba(0,0,0,0.36)", "toolbar-hoverBackground": "rgba(90,93,94,0.31)", "editorIndentGuide-background1": "#404040", "keybindingLabel-background": "rgba(128,128,128,0.17)", "keybindingLabel-border": "rgba(51,51,51,0.6)",
};

const light: typeof dark = {
  ...dark,
  "editor-background": "#ffffff", "editor-foreground": "#3b3b3b", "foreground": "#3b3b3b", "descriptionForeground": "#616161", "focusBorder": "#005fb8", "panel-border": "#e5e5e5",
  "editorWidget-background": "#f8f8f8", "editorWidget-border": "#c8c8c8", "button-background": "#005fb8", "button-hoverBackground": "#0258a8", "button-border": "rgba(0,0,0,0.1)",
  "button-secondaryBackground": "#e5e5e5", "button-secondaryForeground": "#3b3b3b", "button-secondaryHoverBackground": "#cccccc",
  "dropdown-background": "#ffffff", "dropdown-border": "#cecece", "dropdown-foreground": "#3b3b3b", "dropdown-listBackground": "#ffffff", "input-background": "#ffffff", "input-foreground": "#3b3b3b", "input-border": "#cecece", "input-placeholderForeground": "#767676",
  "checkbox-background": "#f8f8f8", "checkbox-border": "#cecece", "checkbox-foreground": "#3b3b3b", "settings-checkboxBackground": "#f8f8f8",
  "list-hoverBackground": "#f2f2f2", "list-activeSelectionBackground": "#e8e8e8", "list-activeSelectionForeground": "#000000", "badge-background": "#cccccc", "badge-foreground": "#3b3b3b",
  "textLink-foreground": "#005fb8", "errorForeground": "#c72e0f", "inputValidation-errorBackground": "#f2dede", "progressBar-background": "#005fb8", "charts-blue": "#1a85ff", "charts-yellow": "#8a6d00",
  "menu-background": "#ffffff", "menu-foreground": "#3b3b3b", "menu-border": "#cecece", "menu-selectionBackground": "#005fb8", "panelTitle-activeBorder": "#005fb8", "panelTitle-activeForeground": "#3b3b3b",
  "widget-shadow": "rgba(0,0,0,0.16)", "toolbar-hoverBackground": "rgba(184,184,184,0.31)", "editorIndentGuide-background1": "#d3d3d3", "keybindingLabel-background": "rgba(221,221,221,0.4)", "keybindingLabel-border": "rgba(204,204,204,0.4)",
};

const contrast = {
  "editor-background": "#000000", "editor-foreground": "#ffffff", "foreground": "#ffffff", "descriptionForeground": "rgba(255,255,255,0.7)", "focusBorder": "#f38518", "contrastBorder": "#6fc3df", "contrastActiveBorder": "#f38518", "panel-border": "#6fc3df",
  "editorWidget-background": "#0c141f", "editorWidget-border": "#6fc3df", "button-foreground": "#ffffff", "button-background": "#000000", "button-border": "#6fc3df", "dropdown-background": "#000000", "dropdown-border": "#6fc3df", "dropdown-foreground": "#ffffff", "dropdown-listBackground": "#000000",
  "input-background": "#000000", "input-foreground": "#ffffff", "input-border": "#6fc3df", "checkbox-background": "#000000", "checkbox-border": "#6fc3df", "checkbox-foreground": "#ffffff", "list-hoverBackground": "rgba(255,255,255,0.1)", "badge-background": "#000000", "badge-foreground": "#ffffff",
  "textLink-foreground": "#21a6ff", "errorForeground": "#f48771", "inputValidation-errorBackground": "#000000", "inputValidation-errorBorder": "#6fc3df", "progressBar-background": "#6fc3df", "charts-blue": "#3794ff", "charts-yellow": "#cca700", "menu-background": "#000000", "menu-foreground": "#ffffff", "menu-border": "#6fc3df",
  "panelTitle-activeBorder": "#6fc3df", "panelTitle-activeForeground": "#ffffff", "editorIndentGuide-background1": "#ffffff", "keybindingLabel-border": "#6fc3df",
};

const contrastLight = {
  ...contrast,
  "editor-background": "#ffffff", "editor-foreground": "#292929", "foreground": "#292929", "descriptionForeground": "rgba(41,41,41,0.7)", "focusBorder": "#006bbd", "contrastBorder": "#0f4a85", "contrastActiveBorder": "#006bbd", "panel-border": "#0f4a85",
  "editorWidget-background": "#ffffff", "editorWidget-border": "#0f4a85", "button-foreground": "#ffffff", "button-background": "#0f4a85", "button-border": "#0f4a85", "dropdown-background": "#ffffff", "dropdown-border": "#0f4a85", "dropdown-foreground": "#292929", "dropdown-listBackground": "#ffffff",
  "input-background": "#ffffff", "input-foreground": "#292929", "input-border": "#0f4a85", "checkbox-background": "#ffffff", "checkbox-border": "#0f4a85", "checkbox-foreground": "#292929", "list-hoverBackground": "rgba(15,74,133,0.1)", "badge-background": "#0f4a85", "badge-foreground": "#ffffff",
  "textLink-foreground": "#0f4a85", "errorForeground": "#b5200d", "inputValidation-errorBackground": "#ffffff", "inputValidation-errorBorder": "#0f4a85", "progressBar-background": "#0f4a85", "menu-background": "#ffffff", "menu-foreground": "#292929", "menu-border": "#0f4a85",
  "panelTitle-activeBorder": "#0f4a85", "panelTitle-activeForeground": "#292929", "editorIndentGuide-background1": "#cccccc", "keybindingLabel-border": "#0f4a85",
};

export const themes: Record<ThemeName, ThemeFixture> = {
  dark: { classes: "vscode-dark", variables: { ...shared, ...dark } },
  light: { classes: "vscode-light", variables: { ...shared, ...light } },
  "high-contrast": { classes: "vscode-high-contrast", variables: { ...shared, ...contrast } },
  "high-contrast-light": { classes: "vscode-high-contrast-light vscode-high-contrast", variables: { ...shared, ...contrastLight } },
};
