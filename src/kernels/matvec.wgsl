// Matrix-vector product, for decode: sums of w[r] * x for the rows of a run.
//
//   w [rows, cols]  weights of a codec (quant/)
//   x [stride]      activations, zero from cols on
//   y               f32, what matvec_rows.wgsl or matvec_swiglu.wgsl make of it
//
// A run of LANES lanes shares ROWS rows: each lane takes every LANES-th block of
// 32 columns, loads the activations once and meets the rows with them; the
// partial sums are then added over the lanes. WORKGROUP_SIZE / LANES such runs
// make a workgroup. UNROLL blocks a lane are loaded before the loop goes round.
// Rows and blocks past the end repeat the last one: those sums are not written,
// or not added.
// Joined behind a codec, a reduce_*.wgsl, an activations*.wgsl, which reads x,
// and one of the two above, which says which rows make a run:
//
//   fn row_of(run: u32, i: u32) -> u32          the i-th, in w
//   fn write_run(run: u32, sums: vec4f)

struct Params {
  rows: u32,
  blocks: u32, // a row
  offset: u32,
}

override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 8u;
override ROWS: u32 = 4u; // 1, 2 or 4
override UNROLL: u32 = 1u; // 1, 2 or 4

@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// One block of each row. ROWS folds the branches away.
fn meet(sums: vec4f, block: u32, starts: vec4u, index: u32) -> vec4f {
  let valid = UNROLL == 1u || block < params.blocks;
  let k = select(params.blocks - 1u, block, valid);
  let xs = activations(k, valid, index);
  var products = vec4f(product(starts.x + k, xs), 0.0, 0.0, 0.0);
  if (ROWS > 1u) {
    products.y = product(starts.y + k, xs);
  }
  if (ROWS > 2u) {
    products.z = product(starts.z + k, xs);
    products.w = product(starts.w + k, xs);
  }
  return sums + select(vec4f(0.0), products, valid);
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

  var sums = vec4f(0.0);
  for (var block = lane; block < params.blocks; block += LANES * UNROLL) {
    sums = meet(sums, block, starts, index);
    if (UNROLL > 1u) {
      sums = meet(sums, block + LANES, starts, index);
    }
    if (UNROLL > 2u) {
      sums = meet(sums, block + 2u * LANES, starts, index);
      sums = meet(sums, block + 3u * LANES, starts, index);
    }
  }
  sums = finish(sums, index);

  if (lane == 0u) {
    write_run(run, sums);
  }
}
