/** @file Which edges stay when only the n strongest are kept (method section 4.3, step 1). */

import type { Matrix } from "../../linalg/matrix";

/** `data[out * cols + in]` is 1 where the edge stays. */
export interface EdgeMask {
  readonly rows: number;
  readonly cols: number;
  readonly data: Uint8Array;
}

/** Output features that read the same input features. */
export interface MaskGroup {
  readonly outputs: readonly number[];
  /** Input features whose edges stay, ascending. */
  readonly inputs: readonly number[];
}

/** The edges of one section in order of strength: made once, asked for many masks. */
export class EdgeRanking {
  /** Sizes without the constant column, descending. */
  readonly #sorted: Float64Array;
  private readonly edges: Matrix;

  /**
   * @param edges [out, in]; functional edges are signed and ranked by their size
   * @param constantColumn column 0 comes from the constant feature: always kept, never counted
   * @throws RangeError when an edge is not a number
   */
  constructor(signed: Matrix, private readonly constantColumn: boolean) {
    const edges = { ...signed, data: signed.data.map(Math.abs) };
    this.edges = edges;
    const { rows, cols, data } = edges;
    if (data.some(Number.isNaN)) throw new RangeError("Edges contain a value that is not a number; they cannot be ranked.");
    const first = constantColumn ? 1 : 0;
    const ranked = new Float64Array(rows * Math.max(0, cols - first));
    for (let row = 0; row < rows; row += 1) {
      ranked.set(data.subarray(row * cols + first, (row + 1) * cols), row * (cols - first));
    }
    this.#sorted = ranked.sort().reverse();
  }

  /** Number of edges that can be ablated. */
  get count(): number {
    return this.#sorted.length;
  }

  /** Keeps the `kept` strongest edges, and every edge as strong as the weakest of them. */
  mask(kept: number): EdgeMask {
    const { rows, cols, data } = this.edges;
    const threshold = kept > this.count ? -Infinity : kept <= 0 ? Infinity : this.#sorted[kept - 1];
    const keptEdges = Uint8Array.from(data, (strength, index) => (
      (this.constantColumn && index % cols === 0) || strength >= threshold ? 1 : 0
    ));
    return { rows, cols, data: keptEdges };
  }

  /** Strength of the weakest of the `kept` strongest edges: the epsilon of the logarithmic edge norm (method section 4.5). */
  weakestKept(kept: number): number {
    return this.#sorted[Math.min(Math.max(kept, 1), this.count) - 1] ?? 0;
  }
}

/** Groups the output features by their mask row, in order of first appearance. */
export function groupRows(mask: EdgeMask): MaskGroup[] {
  const groups = new Map<string, { outputs: number[]; inputs: number[] }>();
  for (let output = 0; output < mask.rows; output += 1) {
    const inputs: number[] = [];
    for (let input = 0; input < mask.cols; input += 1) {
      if (mask.data[output * mask.cols + input] === 1) inputs.push(input);
    }
    const key = inputs.join(",");
    const group = groups.get(key);
    if (group) group.outputs.push(output);
    else groups.set(key, { outputs: [output], inputs });
  }
  return [...groups.values()];
}
