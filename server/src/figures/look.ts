/**
 * @file The classes that marks carry, and their colours on light and dark paper. A file carries both; a view takes its paper and
 * texts from the editor's theme.
 */

export type Rgb = readonly [red: number, green: number, blue: number];

export interface Look {
  font: string;
  paper: string;
  text: string;
  strong: string;
  axis: string;
  grid: string;
  /** What is there but has no say, such as a feature in no module. */
  faint: string;
  series: readonly string[];
  modules: readonly string[];
}

/**
 * Colours of modules, after Okabe and Ito (2008) without black; made lighter or darker where the original has less than 3:1 against the
 * background. More than seven cannot be told apart by hue: later rounds differ in the shape of the mark, and the number of a module always stands
 * beside it as text.
 */
export const moduleColours: { readonly dark: readonly Rgb[]; readonly light: readonly Rgb[] } = {
  dark: [[230, 159, 0], [86, 180, 233], [0, 178, 132], [240, 228, 66], [92, 140, 255], [236, 108, 40], [214, 130, 176]],
  light: [[166, 106, 0], [28, 122, 178], [0, 124, 90], [128, 116, 0], [0, 84, 150], [190, 74, 0], [164, 76, 124]],
};
export const hues = moduleColours.dark.length;

/** 0: filled, 1: filled with a rim, 2: a ring. */
export const moduleShape = (module: number): 0 | 1 | 2 => (Math.floor(module / hues) % 3) as 0 | 1 | 2;

/** As people count: M1 is the largest. */
export const moduleName = (index: number): string => `M${index + 1}`;

const rgb = ([red, green, blue]: Rgb): string => `rgb(${red},${green},${blue})`;

const font = "system-ui,'Segoe UI','DejaVu Sans',sans-serif";
export const lightLook: Look = {
  font, paper: "#fff", text: "#3b4148", strong: "#1f2328", axis: "#8a9199", grid: "#e4e7ea", faint: "#d5d9dd",
  series: ["#0068b3", "#c2500a", "#00805e", "#a3457c", "#8a6a00", "#3d8fc4", "#5b5b5b", "#7a3fb0"], modules: moduleColours.light.map(rgb),
};
export const darkLook: Look = {
  font, paper: "#14171b", text: "#b6bec6", strong: "#e6edf3", axis: "#747c85", grid: "#2b3138", faint: "#343b43",
  series: ["#5ab4ee", "#f08a4b", "#3ec79f", "#e08dbb", "#e3c04b", "#9ad2f2", "#b0b0b0", "#bb8fe6"], modules: moduleColours.dark.map(rgb),
};

/** Style rules of all classes. @param scope selector of what they are for, such as ".drawing "; empty for a file of its own. */
export function rules(look: Look, scope = ""): string {
  const list: [selector: string, declarations: string][] = [
    ["text", `font:11px ${look.font};fill:${look.text}`], [".strong", `font-weight:600;fill:${look.strong}`], [".title", "font-size:14px"], [".small", "font-size:9.5px"],
    [".halo", `paint-order:stroke;stroke:${look.paper};stroke-width:2.5px`], [".inside", `font-size:9px;fill:${look.paper}`],
    [".paper", `fill:${look.paper}`], [".axis", `stroke:${look.axis};fill:none`], [".grid", `stroke:${look.grid};fill:none`], [".dashed", `stroke:${look.text};stroke-dasharray:4 3;fill:none`],
    [".faint", `fill:${look.faint}`], [".line", "fill:none"], [".outline", `stroke:${look.paper}`], [".box", `fill:none;stroke:${look.axis}`],
    ...look.series.flatMap((colour, k): [string, string][] => [[`.s${k}`, `stroke:${colour}`], [`.f${k}`, `fill:${colour}`]]),
    ...look.modules.flatMap((colour, k): [string, string][] => [[`.ms${k}`, `stroke:${colour}`], [`.mf${k}`, `fill:${colour}`]]),
  ];
  return list.map(([selector, declarations]) => `${scope}${selector}{${declarations}}`).join("");
}
