/**
 * @file What a feature of a modular-arithmetic network computes, read off its Fourier content over all inputs (method section 4.6).
 * Phases are ignored: "cos" stands for any phase.
 */

/** One term of the Fourier expansion and its share of the feature's energy. */
export interface FourierLabel { text: string; fraction: number }

/** One-axis energies that differ by less than this share are shown as one symmetric term. */
const symmetricTolerance = 0.01;
const enoughExplained = 0.995;
const smallestShown = 0.005;
const mostShown = 7;

/**
 * All terms of a feature, largest first; the fractions add up to 1 (0 terms for a feature that is zero everywhere).
 * @param activation values of the feature on all inputs, `activation[x * modulus + y]`, length modulus^2
 * @throws RangeError for a wrong length or an even modulus (its middle frequency has no cosine and sine of its own).
 */
export function fourierTerms(activation: ArrayLike<number>, modulus: number): FourierLabel[] {
  if (activation.length !== modulus * modulus) throw new RangeError(`A feature of arithmetic modulo ${modulus} has ${modulus * modulus} values, got ${activation.length}.`);
  if (modulus < 3 || modulus % 2 === 0) throw new RangeError(`Fourier labels need an odd modulus of at least 3, got ${modulus}.`);
  const { energy, total } = halfSpectrum(activation, modulus);
  if (!(total > 0)) return [];
  const half = (modulus - 1) / 2;
  const terms: FourierLabel[] = [{ text: "const", fraction: energy(0, 0) / total }];
  for (let f = 1; f <= half; f++) {
    const alongX = (2 * energy(f, 0)) / total;
    const alongY = (2 * energy(0, f)) / total;
    if (Math.abs(alongX - alongY) < symmetricTolerance) {
      terms.push({ text: `cos(${f}x) + cos(${f}y)`, fraction: alongX + alongY });
    } else {
      terms.push({ text: `cos(${f}x)`, fraction: alongX }, { text: `cos(${f}y)`, fraction: alongY });
    }
  }
  terms.push(...crossTerms(energy, total, modulus));
  return terms.sort((a, b) => b.fraction - a.fraction);
}

/** The terms worth showing: until 99.5 % is explained or the next is below 0.5 %, at most seven. */
export function fourierLabels(activation: ArrayLike<number>, modulus: number): FourierLabel[] {
  const shown: FourierLabel[] = [];
  let explained = 0;
  for (const term of fourierTerms(activation, modulus)) {
    if (shown.length === mostShown || explained > enoughExplained || term.fraction < smallestShown) break;
    shown.push(term);
    explained += term.fraction;
  }
  return shown;
}

/** "97% cos(36x + 36y)|1% ...": the authors' spelling, percentages rounded down. */
export function formatFourierLabels(labels: readonly FourierLabel[]): string {
  return labels.map(({ text, fraction }) => `${Math.floor(fraction * 100 + 1e-9)}% ${text}`).join("|");
}

/**
 * Terms in x and y together: as sum and difference, or as products, whichever is the more one-sided description. The authors
 * compare only sum against difference, so that a pure difference reads as two products; both directions count here.
 */
function crossTerms(energy: (f: number, g: number) => number, total: number, modulus: number): FourierLabel[] {
  const half = (modulus - 1) / 2;
  const sums: FourierLabel[] = [];
  const products: FourierLabel[] = [];
  let plusSum = 0;
  let minusSum = 0;
  let cosineSum = 0;
  let sineSum = 0;
  for (let f = 1; f <= half; f++) {
    for (let g = 1; g <= half; g++) {
      const plus = Math.sqrt(energy(f, g) / total);
      const minus = Math.sqrt(energy(modulus - f, g) / total);
      sums.push({ text: `cos(${f}x + ${g}y)`, fraction: 2 * plus ** 2 }, { text: `cos(${f}x - ${g}y)`, fraction: 2 * minus ** 2 });
      products.push({ text: `cos(${f}x) * cos(${g}y)`, fraction: (plus + minus) ** 2 }, { text: `sin(${f}x) * sin(${g}y)`, fraction: (plus - minus) ** 2 });
      plusSum += 2 * plus ** 2;
      minusSum += 2 * minus ** 2;
      cosineSum += (plus + minus) ** 2;
      sineSum += (plus - minus) ** 2;
    }
  }
  return Math.max(plusSum, minusSum) * sineSum > cosineSum * Math.min(plusSum, minusSum) ? sums : products;
}

/**
 * |A[f, g]|^2 of the two-dimensional discrete Fourier transform for all f and 0 <= g <= (modulus - 1) / 2; the rest is its
 * mirror image because the input is real. Direct sums: O(modulus^3), exact for the prime moduli for which no fast one exists.
 */
function halfSpectrum(activation: ArrayLike<number>, modulus: number): { energy: (f: number, g: number) => number; total: number } {
  const columns = (modulus + 1) / 2;
  const cosine = Float64Array.from({ length: modulus }, (_, k) => Math.cos((2 * Math.PI * k) / modulus));
  const sine = Float64Array.from({ length: modulus }, (_, k) => Math.sin((2 * Math.PI * k) / modulus));
  const rowReal = new Float64Array(modulus * columns);
  const rowImaginary = new Float64Array(modulus * columns);
  let total = 0;
  for (let x = 0; x < modulus; x++) {
    for (let y = 0; y < modulus; y++) {
      const value = activation[x * modulus + y]!;
      total += value * value;
      for (let g = 0, k = 0; g < columns; g++, k = (k + y) % modulus) {
        rowReal[x * columns + g]! += value * cosine[k]!;
        rowImaginary[x * columns + g]! -= value * sine[k]!;
      }
    }
  }
  const energies = new Float64Array(modulus * columns);
  const real = new Float64Array(columns);
  const imaginary = new Float64Array(columns);
  for (let f = 0; f < modulus; f++) {
    real.fill(0);
    imaginary.fill(0);
    for (let x = 0, k = 0; x < modulus; x++, k = (k + f) % modulus) {
      for (let g = 0; g < columns; g++) {
        const a = rowReal[x * columns + g]!;
        const b = rowImaginary[x * columns + g]!;
        real[g]! += a * cosine[k]! + b * sine[k]!;
        imaginary[g]! += b * cosine[k]! - a * sine[k]!;
      }
    }
    for (let g = 0; g < columns; g++) energies[f * columns + g] = real[g]! ** 2 + imaginary[g]! ** 2;
  }
  // Parseval: the energies of the whole spectrum add up to modulus^2 times the sum of squares.
  return { energy: (f, g) => energies[f * columns + g]!, total: total * modulus * modulus };
}
