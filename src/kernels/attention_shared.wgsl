// What all kernels of attention have: the shape, the output and how a head of it
// is written.
//
//   y  [batch, stride]  f32, heads side by side, head_dim each

struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  octets: u32, // eights of values that a head takes
  words: u32, // KvWords that a head takes in the cache
  stride: u32,
  scale: f32,
  window: u32, // keys that a row sees, its own the last; 2^31 where all
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
  fork: u32, // see branches.wgsl
}

@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var<uniform> batch: Batch;

// Of the keys that have been seen: the largest score, and the sum of weights.
struct State {
  max: f32,
  sum: f32,
}

// What a workgroup with one row works on.
struct Work {
  head: u32,
  kv_head: u32,
  row: u32, // of the batch
  part: u32, // of the row's keys
  parts: u32,
  keys: vec2u, // of the cache: from .x on, before .y
}

// WGSL promises nothing about infinity; this stands for minus infinity, and is
// finite also where exp() multiplies it with log2(e).
const MASKED = -1.0e30;

// How many keys before its own a row sees, and which is the first key.
fn seen_before(position: u32) -> u32 {
  return min(position, params.window - 1u);
}

fn first_seen(position: u32) -> u32 {
  return position - seen_before(position);
}

// What sums of weights shrink by as the maximum rises. Where it stays they are
// left as they are, which exp() promises nobody: keys that a row does not see,
// and only its neighbours do, must leave no trace.
fn decay(before: f32, after: f32) -> f32 {
  return select(1.0, exp(before - after), before < after);
}

// First word of the head at a position of the cache.
fn words_at(position: u32, kv_head: u32) -> u32 {
  return (position * params.kv_heads + kv_head) * params.words;
}

// Writes columns d to d + 3 of the head that begins at `start`; head_dim is even.
fn store_quad(start: u32, d: u32, value: vec4f) {
  if (d < params.head_dim) {
    y[start + d] = value.x;
    y[start + d + 1u] = value.y;
  }
  if (d + 2u < params.head_dim) {
    y[start + d + 2u] = value.z;
    y[start + d + 3u] = value.w;
  }
}
