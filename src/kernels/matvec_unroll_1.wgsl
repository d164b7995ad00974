// A round of the loop of matvec.wgsl: one block.

override UNROLL: u32 = 1u;

fn meet_blocks(sums: Columns, block: u32, starts: vec4u, index: u32) -> Columns {
  return meet(sums, block, true, starts, index);
}
