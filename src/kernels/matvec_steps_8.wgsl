// Five to eight vectors: see matvec_steps.wgsl.

struct Columns {
  sum0: Sums, sum1: Sums, sum2: Sums, sum3: Sums,
  sum4: Sums, sum5: Sums, sum6: Sums, sum7: Sums,
}

fn meet(s: Columns, block: u32, valid: bool, starts: vec4u, index: u32)
  -> Columns {
  let w = rows_at(starts, block);
  return Columns(
    meet_step(s.sum0, 0u, block, valid, w, index),
    meet_step(s.sum1, 1u, block, valid, w, index),
    meet_step(s.sum2, 2u, block, valid, w, index),
    meet_step(s.sum3, 3u, block, valid, w, index),
    meet_step(s.sum4, 4u, block, valid, w, index),
    meet_step(s.sum5, 5u, block, valid, w, index),
    meet_step(s.sum6, 6u, block, valid, w, index),
    meet_step(s.sum7, 7u, block, valid, w, index),
  );
}

fn write_columns(run: u32, s: Columns, index: u32) {
  write_step(run, 0u, s.sum0, index);
  write_step(run, 1u, s.sum1, index);
  write_step(run, 2u, s.sum2, index);
  write_step(run, 3u, s.sum3, index);
  write_step(run, 4u, s.sum4, index);
  write_step(run, 5u, s.sum5, index);
  write_step(run, 6u, s.sum6, index);
  write_step(run, 7u, s.sum7, index);
}
