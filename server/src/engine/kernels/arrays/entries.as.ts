/** Entries of an array in the memory, float32 or float64 (`single`), one or some at a time. */

@inline
export function logSize(single: bool): usize {
  return single ? 2 : 3;
}

@inline
export function splatAt(single: bool, at: usize): v128 {
  return single ? v128.load32_splat(at) : v128.load64_splat(at);
}

/** Two entries as float64. */
@inline
export function two(single: bool, at: usize): v128 {
  return single ? f64x2.promote_low_f32x4(v128.load64_zero(at)) : v128.load(at);
}

@inline
export function putTwo(single: bool, at: usize, value: v128): void {
  if (single) v128.store64_lane(at, f32x4.demote_f64x2_zero(value), 0);
  else v128.store(at, value);
}

@inline
export function one(single: bool, at: usize): f64 {
  return single ? <f64>load<f32>(at) : load<f64>(at);
}

@inline
export function putOne(single: bool, at: usize, value: f64): void {
  if (single) store<f32>(at, <f32>value);
  else store<f64>(at, value);
}

@inline
export function copyOne(single: bool, from: usize, to: usize): void {
  if (single) store<u32>(to, load<u32>(from));
  else store<u64>(to, load<u64>(from));
}
