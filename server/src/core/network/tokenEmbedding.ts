/** @file Token inputs: rows of the token and the positional table, the tensors that `add_embed` receives. */

import type { Engine, Tensor } from "../../engine/engine";
import type { Matrix } from "../linalg/matrix";
import type { NetworkInputs } from "./network";
import { NetworkError } from "./networkError";

/**
 * @param tokens folded token table [V, d + 1], constant column 0 (1 without positional table)
 * @param positions folded positional table [context, d + 1], constant column 1; null when positions enter elsewhere or not at all
 * @param context largest number of positions
 */
export function tokenEmbedding(
  engine: Engine, tokens: Matrix, positions: Matrix | null, context: number,
): (inputs: NetworkInputs, start: number, count: number) => Tensor[] {
  const tokenTable = engine.tensor(tokens.data, [tokens.rows, tokens.cols]);
  const positionTable = positions && engine.tensor(positions.data, [positions.rows, positions.cols]);
  const [vocabulary, width] = [tokens.rows, tokens.cols];
  return (inputs, start, count) => {
    if (inputs.kind !== "tokens") throw new NetworkError('The network takes tokens, but the data gives vectors. Check "data" in the spec.');
    const length = inputs.positions;
    if (length > context) {
      throw new NetworkError(`The data has ${length} tokens per sample, but the network has ${context} positions. Use shorter samples.`);
    }
    const ids = inputs.values.slice(start * length, (start + count) * length);
    const wrong = ids.find((id) => id < 0 || id >= vocabulary);
    if (wrong !== undefined) {
      throw new NetworkError(`The data has token ${wrong}, but the network knows the tokens 0 to ${vocabulary - 1}. Check "data" in the spec (modulus, vocabulary).`);
    }
    const rowsOf = (table: Tensor, rows: Int32Array): Tensor => engine.tidy(() => engine.reshape(engine.gather(table, rows), [count, length, width]));
    const embedded = rowsOf(tokenTable, ids);
    return positionTable ? [embedded, rowsOf(positionTable, Int32Array.from(ids, (_, index) => index % length))] : [embedded];
  };
}
