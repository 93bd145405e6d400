/** @file Gaussian vectors for networks without data of their own, such as the block-diagonal MLP (method section 8.1 C). */

import { integerField, mostValues, sampleCount, type DataKindReader } from "./dataKind";
import { FormatError } from "../modelFile";
import { randomNormal } from "./mersenneTwister";
import { scaledVectors } from "./vectors";

/** `size` vectors of `width` independent N(0, 1) numbers: `torch.randn(size, width)` after `torch.manual_seed(seed)`. No labels. */
export const blockVectors: DataKindReader = {
  files: () => Promise.resolve([]),
  read(spec) {
    const size = integerField(spec, "size", 10_000, 1, mostValues);
    const width = integerField(spec, "width", 8, 1, mostValues);
    if (size * width > mostValues) throw new FormatError(`${size} vectors of width ${width} do not fit into memory; lower "size".`);
    const seed = integerField(spec, "seed", 0, 0, 0xffffffff);
    const count = sampleCount(spec, size);
    const inputs = scaledVectors(randomNormal(size * width, seed), count, width, false, spec, "block-vectors");
    return Promise.resolve({ inputs, labels: null, description: `${count} gaussian vectors of width ${width}, seed ${seed}` });
  },
};
