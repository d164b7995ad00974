// Two vectors: see matvec_steps.wgsl.

struct Columns {
  sum0: Sums, sum1: Sums,
}

fn meet(s: Columns, block: u32, valid: bool, starts: vec4u, index: u32)
  -> Columns {
  let w = rows_at(starts, block);
  return Columns(
    meet_step(s.sum0, 0u, block, valid, w, index),
    meet_step(s.sum1, 1u, block, valid, w, index),
  );
}

fn write_columns(run: u32, s: Columns, index: u32) {
  write_step(run, 0u, s.sum0, index);
  write_step(run, 1u, s.sum1, index);
}
