/** @file Eigenpairs of diag(d) + rho z z^T, by the compiled kernels of the secular equation (engine/kernels/secular.as.ts). */

import { address, type EigenWorkspace, type WorkingCall } from "./workspace";

/** diag(poles) + rho z z^T with ascending distinct poles, no zero in z, rho > 0. */
export interface SecularProblem {
  readonly poles: Float64Array;
  readonly z: Float64Array;
  readonly rho: number;
}

/** Roots of one call, after which a cancelled solve ends; each costs some passes over the poles. */
const rootsAtATime = 128;

/**
 * Writes the eigenvectors as rows to the first scratch area, their entries in the given order; the second serves as work area.
 * @returns eigenvalues, ascending
 */
export function secularVectors(workspace: EigenWorkspace, { poles, z, rho }: SecularProblem, order: Int32Array): Float64Array {
  const { memory, scratchAt: [vectorsAt, workAt], checkCancelled } = workspace;
  const count = poles.length;
  const vectors = address(vectorsAt);
  // Two work areas for vectors, one for each of two calls that may run at the same time.
  const [polesAt, zAt, weightsAt, rootsAt, firstRoomAt, secondRoomAt, orderAt] = Array.from({ length: 7 }, (_, area) => workAt + area * count);
  memory.set(poles, polesAt);
  memory.set(z, zAt);
  new Int32Array(memory.buffer, address(orderAt), count).set(order);
  const zNorm2 = z.reduce((sum, value) => sum + value * value, 0);
  const inPairs = (call: (first: number, last: number, place: number) => ReturnType<WorkingCall>): void => {
    for (let start = 0; start < count; start += 2 * rootsAtATime) {
      checkCancelled();
      const firsts = [start, start + rootsAtATime].filter((first) => first < count);
      workspace.together(firsts.map((first, place) => () => call(first, Math.min(count, first + rootsAtATime), place)));
    }
  };
  inPairs((first, last) => ({ kernel: "secularRoots", values: [count, address(polesAt), address(zAt), rho, zNorm2, first, last, address(rootsAt), vectors] }));
  inPairs((first, last) => ({ kernel: "secularWeights", values: [count, address(polesAt), address(zAt), first, last, vectors, address(weightsAt)] }));
  inPairs((first, last, place) => (
    { kernel: "secularVectors", values: [count, address(weightsAt), address(orderAt), first, last, vectors, address([firstRoomAt, secondRoomAt][place])] }
  ));
  return memory.slice(rootsAt, rootsAt + count);
}
