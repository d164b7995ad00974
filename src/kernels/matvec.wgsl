// Matrix-vector product, for decode: sums of w[r] * x for the rows of a run.
//
//   w [rows, cols]    weights of a codec (quant/)
//   x [m, stride]     activations, zero from cols on
//   y                 f32, what matvec_rows.wgsl or matvec_swiglu.wgsl make of it
//
// A run of LANES lanes shares ROWS rows: each lane takes every LANES-th block of
// 32 columns, loads the weights once and meets the activations with them; the
// partial sums are then added over the lanes. WORKGROUP_SIZE / LANES such runs
// make a workgroup. UNROLL blocks a lane are loaded before the loop goes round.
// Rows and blocks past the end repeat the last one: those sums are not written,
// or not added.
// Several vectors x may share the weights. The sums of each are added up in the
// same order, by the same fma(), as those of one vector alone: they are the same
// to the bit, whatever ROWS, UNROLL, WORKGROUP_SIZE and the number of vectors.
// Joined behind a codec, a reduce_*.wgsl, an activations*.wgsl, which reads x,
// one of the two above, which says which rows make a run:
//
//   fn row_of(run: u32, i: u32) -> u32             the i-th, in w
//   fn write_run(run: u32, m: u32, sums: vec4f)    of vector m
//
// and matvec_one.wgsl or matvec_steps.wgsl, which says how many vectors:
//
//   alias Columns                                  a Sums of each vector
//   fn meet(sums: Columns, block: u32, valid: bool, w: Rows, index: u32) -> Columns
//   fn write_columns(run: u32, sums: Columns, index: u32)

struct Params {
  rows: u32,
  blocks: u32, // a row
  offset: u32,
  y_stride: u32,
}

override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 8u;
override ROWS: u32 = 4u; // 1, 2 or 4
override UNROLL: u32 = 1u; // 1, 2 or 4

@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// A lane's sums of one vector: with each row, and of its squares.
struct Sums {
  rows: vec4f,
  squares: f32,
}

// One block of each row.
struct Rows {
  a: Weights, b: Weights, c: Weights, d: Weights,
}

// A block of vector m. ROWS folds the branches away.
fn meet_column(sums: Sums, m: u32, block: u32, valid: bool, w: Rows, index: u32)
  -> Sums {
  let x = activations(m, block, index);
  var rows = sums.rows;
  rows.x = add_product(rows.x, w.a, x);
  if (ROWS > 1u) {
    rows.y = add_product(rows.y, w.b, x);
  }
  if (ROWS > 2u) {
    rows.z = add_product(rows.z, w.c, x);
    rows.w = add_product(rows.w, w.d, x);
  }
  return Sums(
    select(sums.rows, rows, valid),
    select(sums.squares, add_squares(sums.squares, x), valid),
  );
}

fn meet_block(sums: Columns, block: u32, starts: vec4u, index: u32) -> Columns {
  let valid = UNROLL == 1u || block < params.blocks;
  let k = select(params.blocks - 1u, block, valid);
  var w: Rows;
  w.a = weights_at(starts.x + k);
  if (ROWS > 1u) {
    w.b = weights_at(starts.y + k);
  }
  if (ROWS > 2u) {
    w.c = weights_at(starts.z + k);
    w.d = weights_at(starts.w + k);
  }
  return meet(sums, k, valid, w, index);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let lane = index & (LANES - 1u);
  let run = group * (WORKGROUP_SIZE / LANES) + index / LANES;
  let starts = params.blocks *
    vec4u(row_of(run, 0u), row_of(run, 1u), row_of(run, 2u), row_of(run, 3u));

  var sums = Columns();
  for (var block = lane; block < params.blocks; block += LANES * UNROLL) {
    sums = meet_block(sums, block, starts, index);
    if (UNROLL > 1u) {
      sums = meet_block(sums, block + LANES, starts, index);
    }
    if (UNROLL > 2u) {
      sums = meet_block(sums, block + 2u * LANES, starts, index);
      sums = meet_block(sums, block + 3u * LANES, starts, index);
    }
  }
  write_columns(run, sums, index);
}
