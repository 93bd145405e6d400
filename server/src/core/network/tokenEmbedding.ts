/** @file Token inputs: rows of the token and the positional table, the two tensors that `add_embed` receives. */

import type { Engine, Tensor } from "../../engine/engine";
import type { Matrix } from "../linalg/matrix";
import type { NetworkInputs } from "./network";
import { NetworkError } from "./networkError";

/**
 * @param tokens folded token table [V, d + 1], constant column 0
 * @param positions folded positional table [context, d + 1], constant column 1
 */
export function tokenEmbedding(engine: Engine, tokens: Matrix, positions: Matrix): (inputs: NetworkInputs, start: number, count: number) => Tensor[] {
  const tokenTable = engine.tensor(tokens.data, [tokens.rows, tokens.cols]);
  const positionTable = engine.tensor(positions.data, [positions.rows, positions.cols]);
  return (inputs, start, count) => {
    if (inputs.kind !== "tokens") throw new NetworkError('The network takes tokens, but the data gives vectors. Check "data" in the spec.');
    const length = inputs.positions;
    if (length > positions.rows) {
      throw new NetworkError(`The data has ${length} tokens per sample, but the network has ${positions.rows} positions. Use shorter samples.`);
    }
    const ids = inputs.values.slice(start * length, (start + count) * length);
    const wrong = ids.find((id) => id < 0 || id >= tokens.rows);
    if (wrong !== undefined) {
      throw new NetworkError(`The data has token ${wrong}, but the network knows the tokens 0 to ${tokens.rows - 1}. Check "data" in the spec (modulus, vocabulary).`);
    }
    const places = Int32Array.from(ids, (_, index) => index % length);
    return [
      engine.reshape(engine.gather(tokenTable, ids), [count, length, tokens.cols]),
      engine.reshape(engine.gather(positionTable, places), [count, length, positions.cols]),
    ];
  };
}
