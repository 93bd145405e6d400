/** Arrays of any steps, walked level by level. */

/** Number `row` of a level in the table at `nest`: extents, the steps of every array, and room for the current index, `levels` numbers each. */
@inline
export function entry(nest: usize, levels: i32, row: i32, level: i32): usize {
  return nest + (<usize>(row * levels + level) << 2);
}
