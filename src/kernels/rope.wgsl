// Rotary embedding and KV write, for prefill: rotates q and k by their position
// and appends k and v to the cache.
//
//   qkv    [batch, stride]               f32: heads of q, of k, of v
//   q      [batch, heads, quads]         vec4f
//   k, v   [context, kv_heads, quads]    KvQuad (kv_*.wgsl)
//
// A head is padded with zeros to whole pairs of quads. One invocation a quad.
// Joined behind rotate.wgsl and a kv_*.wgsl.

struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  quads: u32, // a head
  stride: u32,
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> q: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> k: array<KvQuad>;
@group(0) @binding(4) var<storage, read_write> v: array<KvQuad>;
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var<uniform> batch: Batch;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let i = group * WORKGROUP_SIZE + lane;
  let all_heads = params.heads + 2u * params.kv_heads;
  let quad = i % params.quads;
  let head = (i / params.quads) % all_heads;
  let m = i / (params.quads * all_heads);
  if (m >= batch.rows) {
    return;
  }
  let position = batch.position + m;
  let start = m * params.stride + head * params.head_dim;
  let d = quad * 4u;

  if (head < params.heads) {
    q[(m * params.heads + head) * params.quads + quad] =
      rotated_quad(start, d, position);
    return;
  }
  let kv_head = (head - params.heads) % params.kv_heads;
  let slot = (position * params.kv_heads + kv_head) * params.quads + quad;
  if (head < params.heads + params.kv_heads) {
    k[slot] = pack_quad(rotated_quad(start, d, position));
  } else {
    v[slot] = pack_quad(plain_quad(start, d));
  }
}
