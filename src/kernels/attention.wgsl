// Causal grouped-query attention over the KV cache:
//
//   y[m][h] = sum over t <= position + m of softmax_t(q[m][h] . k[t] * scale) v[t]
//
//   y  [batch, stride]  f32, heads side by side, head_dim each
//
// One workgroup a head and batch row, WORKGROUP_SIZE keys at a time with a
// running maximum and sum (online softmax): each lane scores one key, then each
// lane adds up the values of its quads of the head over those keys.
// Joined behind a combine_*.wgsl, a kv_*.wgsl and attention_batch.wgsl or
// attention_step.wgsl, which know where q, k and v are:
//
//   fn prepare(head, kv_head, m, lane)      fills q_head, scaled
//   fn key_quad(t, i, slot) -> vec4f        quad i of the key at position t,
//   fn value_quad(t, i, slot) -> vec4f      which is quad `slot` of the cache

struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  quads: u32, // a head
  stride: u32,
  scale: f32,
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var<uniform> batch: Batch;

// WGSL promises nothing about infinity; this stands for minus infinity.
const MASKED = -3.0e38;

var<workgroup> q_head: array<vec4f, 64>; // one head, at most 256 wide
var<workgroup> sums: array<vec4f, 64>; // of p * v, for the same columns
var<workgroup> p: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = workgroup.x;
  let m = workgroup.y;
  let kv_head = head / (params.heads / params.kv_heads);
  let kv_stride = params.kv_heads * params.quads;
  let kv_start = kv_head * params.quads;
  let keys = batch.position + m + 1u;

  for (var i = lane; i < params.quads; i += WORKGROUP_SIZE) {
    sums[i] = vec4f(0.0);
  }
  prepare(head, kv_head, m, lane);
  workgroupBarrier();

  var running_max = MASKED;
  var running_sum = 0.0;
  for (var first = 0u; first < keys; first += WORKGROUP_SIZE) {
    let key = first + lane;
    var score = MASKED;
    if (key < keys) {
      var products = vec4f(0.0);
      let start = key * kv_stride + kv_start;
      for (var i = 0u; i < params.quads; i++) {
        products += q_head[i] * key_quad(key, i, start + i);
      }
      score = dot(products, vec4f(1.0));
    }
    let new_max = max(running_max, combine_max(score, lane));
    let weight = select(0.0, exp(score - new_max), key < keys);
    p[lane] = weight;
    let correction = exp(running_max - new_max);
    running_max = new_max;
    running_sum = running_sum * correction + combine_sum(weight, lane);
    workgroupBarrier(); // p is complete

    let count = min(WORKGROUP_SIZE, keys - first);
    for (var i = lane; i < params.quads; i += WORKGROUP_SIZE) {
      let start = first * kv_stride + kv_start + i;
      var sum = sums[i] * correction;
      for (var t = 0u; t < count; t++) {
        sum += p[t] * value_quad(first + t, i, start + t * kv_stride);
      }
      sums[i] = sum;
    }
    workgroupBarrier(); // before the next keys overwrite p
  }

  let row = m * params.stride + head * params.head_dim;
  for (var i = lane; i < params.quads; i += WORKGROUP_SIZE) {
    let value = sums[i] / running_sum;
    let d = i * 4u;
    if (d < params.head_dim) {
      y[row + d] = value.x;
      y[row + d + 1u] = value.y;
    }
    if (d + 2u < params.head_dim) {
      y[row + d + 2u] = value.z;
      y[row + d + 3u] = value.w;
    }
  }
}
