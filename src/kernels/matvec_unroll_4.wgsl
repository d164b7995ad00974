// A round of the loop of matvec.wgsl: two blocks or four, which are loaded before
// the loop goes round. Past the end the last one is repeated, and not added.

override UNROLL: u32 = 4u; // 2 or 4

fn meet_block(sums: Columns, block: u32, starts: vec4u, index: u32) -> Columns {
  let valid = block < params.blocks;
  let k = select(params.blocks - 1u, block, valid);
  return meet(sums, k, valid, starts, index);
}

fn meet_blocks(sums: Columns, block: u32, starts: vec4u, index: u32) -> Columns {
  var s = meet_block(sums, block, starts, index);
  s = meet_block(s, block + LANES, starts, index);
  if (UNROLL > 2u) {
    s = meet_block(s, block + 2u * LANES, starts, index);
    s = meet_block(s, block + 3u * LANES, starts, index);
  }
  return s;
}
