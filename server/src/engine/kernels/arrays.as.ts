/**
 * AssemblyScript source of the kernels that move and combine whole arrays (build: npm run build:kernels). They work in place: addresses
 * point into the memory that holds the tensors. `single` chooses float32 (four entries at a time) or float64 (two).
 */

export { addProduct32, addProduct64, combine32, combine64 } from "./arrays/combine.as";
export { affine32, affine64, sum32, sum64 } from "./arrays/sums.as";
export { pick32, pick64, spread, swap32, swap64 } from "./arrays/move.as";
export { columns32, columns64, lookup32, lookup64 } from "./arrays/convert.as";
