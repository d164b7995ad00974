// A matrix-vector product of one vector: each row's weights are loaded when they
// meet the activations. ROWS folds the branches away.
// Joined with matvec.wgsl.

alias Columns = Sums;

fn meet(sums: Sums, block: u32, valid: bool, starts: vec4u, index: u32) -> Sums {
  let x = activations(0u, block, index);
  var rows = sums.rows;
  rows.x = add_product(rows.x, weights_at(starts.x + block), x);
  if (ROWS > 1u) {
    rows.y = add_product(rows.y, weights_at(starts.y + block), x);
  }
  if (ROWS > 2u) {
    rows.z = add_product(rows.z, weights_at(starts.z + block), x);
    rows.w = add_product(rows.w, weights_at(starts.w + block), x);
  }
  return Sums(
    select(sums.rows, rows, valid),
    select(sums.squares, add_squares(sums.squares, x), valid),
  );
}

fn write_columns(run: u32, sums: Sums, index: u32) {
  let rows = finish(sums, index);
  if ((index & (LANES - 1u)) == 0u) {
    write_run(run, 0u, rows);
  }
}
