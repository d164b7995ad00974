// Activations as whole numbers of 8 bits: x[i] = scale * q[i], with one scale for
// each block of 32, the largest of which becomes 127.
//
//   x      [batch, blocks, 8]  vec4f
//   q      [batch, blocks, 2]  vec4u, 32 i8
//   scales [batch, blocks]     vec4f: scale, and scale times the sums of the first
//                              and the last 16 q, which meet a weight's offset
//
// One invocation a block.

struct Params {
  blocks: u32, // a row
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> q: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> scales: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<uniform> batch: Batch;

const ONES = 0x01010101u;

fn pack(v: vec4f, inverse: f32) -> u32 {
  return pack4xI8(vec4i(round(v * inverse)));
}

fn sum(words: vec4u) -> f32 {
  return f32(
    dot4I8Packed(words.x, ONES) + dot4I8Packed(words.y, ONES) +
      dot4I8Packed(words.z, ONES) + dot4I8Packed(words.w, ONES)
  );
}

// By the bits: WGSL promises nothing about comparing NaN.
fn is_finite(v: vec4f) -> bool {
  let exponents = bitcast<vec4u>(v) & vec4u(0x7f800000u);
  return all(exponents != vec4u(0x7f800000u));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP_SIZE + lane;
  if (block >= batch.rows * params.blocks) {
    return;
  }
  let i = block * 8u;
  let a = x[i];
  let b = x[i + 1u];
  let c = x[i + 2u];
  let d = x[i + 3u];
  let e = x[i + 4u];
  let f = x[i + 5u];
  let g = x[i + 6u];
  let h = x[i + 7u];
  let low = max(max(abs(a), abs(b)), max(abs(c), abs(d)));
  let high = max(max(abs(e), abs(f)), max(abs(g), abs(h)));
  let quad = max(low, high);
  let largest = max(max(quad.x, quad.y), max(quad.z, quad.w));
  // max() may pass over NaN, which must not end as a plausible number.
  let finite = is_finite(a) && is_finite(b) && is_finite(c) && is_finite(d) &&
    is_finite(e) && is_finite(f) && is_finite(g) && is_finite(h);
  let total = dot(a + b + c + d + e + f + g + h, vec4f(1.0));
  let scale = select(total, largest / 127.0, finite);
  // 127 / largest is finite, too.
  let inverse = select(0.0, 127.0 / largest, largest > 1e-30);

  let first = vec4u(
    pack(a, inverse), pack(b, inverse), pack(c, inverse), pack(d, inverse),
  );
  let last = vec4u(
    pack(e, inverse), pack(f, inverse), pack(g, inverse), pack(h, inverse),
  );
  q[block * 2u] = first;
  q[block * 2u + 1u] = last;
  scales[block] = vec4f(scale, scale * sum(first), scale * sum(last), 0.0);
}
