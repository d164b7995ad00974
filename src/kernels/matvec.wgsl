// Matrix-vector product, for decode: sums of w[r] * x for the rows of a run.
//
//   w [rows, cols]    weights of a codec (quant/)
//   x [m, stride]     activations, zero from cols on
//   y                 f32, what matvec_rows.wgsl or matvec_swiglu.wgsl make of it
//
// A run of LANES lanes shares ROWS rows: each lane takes every LANES-th block of
// 32 columns, loads the weights once and meets the activations with them; the
// partial sums are then added over the lanes. WORKGROUP_SIZE / LANES such runs
// make a workgroup. Rows past the end repeat the last one: those sums are not
// written.
// Several vectors x may share the weights. The sums of each are added up in the
// same order, by the same fma(), as those of one vector alone: they are the same
// to the bit, whatever ROWS, UNROLL, WORKGROUP_SIZE and the number of vectors.
//
// Joined behind a codec and a reduce_*.wgsl, and with one file of each kind:
//
// activations*.wgsl, which reads x
//   alias Activations                              a block of a vector
//   fn activations(m: u32, block: u32, index: u32) -> Activations
//   fn add_product(sum: f32, w: Weights, x: Activations) -> f32
//   fn add_squares(sum: f32, x: Activations) -> f32
//   fn finish(sums: Sums, index: u32) -> vec4f     over the lanes
// matvec_rows.wgsl or matvec_swiglu.wgsl, which rows make a run
//   fn row_of(run: u32, i: u32) -> u32             the i-th, in w
//   fn write_run(run: u32, m: u32, sums: vec4f)    of vector m
// matvec_one.wgsl or matvec_steps.wgsl, how many vectors there are
//   alias Columns                                  a Sums of each vector
//   fn meet(sums: Columns, block: u32, valid: bool, starts: vec4u, index: u32)
//     -> Columns                                   adds a block where it is valid
//   fn write_columns(run: u32, sums: Columns, index: u32)
// matvec_unroll_1.wgsl or matvec_unroll_4.wgsl, how many blocks a lane takes at once
//   override UNROLL: u32
//   fn meet_blocks(sums: Columns, block: u32, starts: vec4u, index: u32) -> Columns

struct Params {
  rows: u32,
  blocks: u32, // a row
  offset: u32,
  y_stride: u32,
}

override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 8u;
override ROWS: u32 = 4u; // 1, 2 or 4

@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// A lane's sums of one vector: with each row, and of its squares.
struct Sums {
  rows: vec4f,
  squares: f32,
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
    sums = meet_blocks(sums, block, starts, index);
  }
  write_columns(run, sums, index);
}
