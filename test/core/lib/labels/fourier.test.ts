import { describe, expect, it } from "vitest";
import { fourierLabels, fourierTerms, formatFourierLabels } from "../../../../server/src/core/lib/labels/fourier";
import { seededRandom } from "../../../../server/src/core/random";

const modulus = 13;
const wave = (k: number, phase = 0): number => Math.cos((2 * Math.PI * k) / modulus + phase);
const over = (value: (x: number, y: number) => number): Float64Array =>
  Float64Array.from({ length: modulus * modulus }, (_, at) => value(Math.floor(at / modulus), at % modulus));

describe("Fourier labels", () => {
  it("name pure waves of any phase", () => {
    expect(formatFourierLabels(fourierLabels(over(() => 2), modulus))).toBe("100% const");
    expect(formatFourierLabels(fourierLabels(over((x) => wave(3 * x, 0.7)), modulus))).toBe("100% cos(3x)");
    expect(formatFourierLabels(fourierLabels(over((x, y) => wave(2 * x, 0.3) + wave(2 * y, 0.3)), modulus))).toBe("100% cos(2x) + cos(2y)");
    expect(formatFourierLabels(fourierLabels(over((x, y) => wave(5 * x + 4 * y, 1)), modulus))).toBe("100% cos(5x + 4y)");
    expect(formatFourierLabels(fourierLabels(over((x, y) => wave(5 * x - 4 * y, 1)), modulus))).toBe("100% cos(5x - 4y)");
    expect(formatFourierLabels(fourierLabels(over((x, y) => wave(x) * wave(6 * y)), modulus))).toBe("100% cos(1x) * cos(6y)");
  });

  it("share the energy of a sum of waves as their squared amplitudes", () => {
    const [first, second] = fourierLabels(over((x, y) => 2 * wave(x + y) + wave(3 * x + 3 * y)), modulus);
    expect(first).toMatchObject({ text: "cos(1x + 1y)" });
    expect(first!.fraction).toBeCloseTo(0.8, 12);
    expect(second!.fraction).toBeCloseTo(0.2, 12);
  });

  it("add up to one for any feature", () => {
    const random = seededRandom(1);
    const terms = fourierTerms(over(() => random() - 0.3), modulus);
    expect(terms.reduce((sum, { fraction }) => sum + fraction, 0)).toBeCloseTo(1, 12);
    expect(terms.every(({ fraction }) => fraction >= 0)).toBe(true);
  });

  it("refuse what has no answer", () => {
    expect(() => fourierTerms(new Float64Array(5), 3)).toThrow("9 values, got 5");
    expect(() => fourierTerms(new Float64Array(16), 4)).toThrow("odd modulus");
    expect(fourierLabels(new Float64Array(9), 3)).toEqual([]);
  });
});
