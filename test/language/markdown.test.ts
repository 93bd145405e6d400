import { describe, expect, it } from "vitest";
import { ageText, code, commandLink, plural, prose, shapeText, short, table, toPlainText } from "../../server/src/language/markdown";
import { sparkline, spectrumImage } from "../../server/src/language/spectrum";

describe("text from files", () => {
  const hostile = "a`](command:libLens.analyzeModel?[]) | <img src=x>\n# b\\";

  it("cannot leave a code span", () => {
    const text = code(hostile);
    expect(text.slice(1, -1)).not.toMatch(/[`|\n\\<>[\]]/);
    expect(text.startsWith("`") && text.endsWith("`")).toBe(true);
    expect(code("x".repeat(500)).length).toBeLessThan(130);
  });

  it("cannot become a link, a heading or a tag in prose", () => {
    expect(prose(hostile)).not.toMatch(/(^|[^\\])[[\]()<>#`|]/m);
    expect(toPlainText(prose("a [b](c) *d*"))).toBe("a [b](c) *d*");
  });
});

it("turns markdown into plain text", () => {
  const markdown = `**Layer** \`fc\`\n\n${table(["tensor", "shape"], [["`a`", "2 × 3"]])}\n\n![bars](data:image/svg+xml;base64,AA)\n\n${commandLink("Graph", "x.y", { a: 1 })} · 3`;
  expect(toPlainText(markdown)).toBe("Layer fc\n\ntensor  shape\na  2 × 3\n\nGraph · 3");
});

it("writes numbers, shapes and ages for people", () => {
  expect([short(0), short(12.345), short(0.0123), short(123456), short(-0.00001)]).toEqual(["0", "12", "0.012", "1.2e+5", "-1.0e-5"]);
  for (const size of [0, 7, 999, 1000, 12_345, 999_999, 1_000_000, 124_439_808, Number.MAX_SAFE_INTEGER]) expect(shapeText([size])).toBe(size.toLocaleString("en-US"));
  expect([plural(1, "tensor"), plural(1200, "tensor"), plural(2, "class", "classes")]).toEqual(["1 tensor", "1,200 tensors", "2 classes"]);
  expect([shapeText([]), shapeText([3, null])]).toEqual(["scalar", "3 × ?"]);
  expect([5_000, 60_000, 7_200_000, 90_000_000, 500_000_000].map(ageText)).toEqual(["just now", "1 minute ago", "2 hours ago", "1 day ago", "5 days ago"]);
});

describe("spectrum", () => {
  it("is logarithmic over four decades and never longer than its limit", () => {
    expect(sparkline([1, 1e-2, 1e-4, 0])).toBe("█▅▁▁");
    expect(sparkline(Array.from({ length: 500 }, () => 1))).toHaveLength(40);
    expect([sparkline([]), sparkline([0, -1])]).toEqual(["", ""]);
  });

  it("is a self-contained picture without script or address", () => {
    const svg = Buffer.from((spectrumImage([3, 1]) ?? "").split(",")[1] ?? "", "base64").toString("utf8");
    expect(svg).toMatch(/^<svg [^>]+>(<rect [^>]+\/>){2}<\/svg>$/);
    expect(spectrumImage([])).toBeNull();
  });
});
