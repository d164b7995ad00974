// A matrix-vector product of one vector.
// Joined with matvec.wgsl.

alias Columns = Sums;

fn meet(sums: Sums, block: u32, valid: bool, w: Rows, index: u32) -> Sums {
  return meet_column(sums, 0u, block, valid, w, index);
}

fn write_columns(run: u32, sums: Sums, index: u32) {
  let rows = finish(sums, index);
  if ((index & (LANES - 1u)) == 0u) {
    write_run(run, 0u, rows);
  }
}
