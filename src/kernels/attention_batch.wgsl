// Attention of a batch, for prefill: rope.wgsl has rotated q and written k and v
// of every row to the cache.
//
//   q     [batch, heads, quads]       vec4f
//   k, v  [context, kv_heads, quads]  KvQuad (kv_*.wgsl)

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<KvQuad>;
@group(0) @binding(2) var<storage, read> v: array<KvQuad>;

fn prepare(head: u32, kv_head: u32, m: u32, lane: u32) {
  let start = (m * params.heads + head) * params.quads;
  for (var i = lane; i < params.quads; i += WORKGROUP_SIZE) {
    q_head[i] = q[start + i] * params.scale;
  }
}

fn key_quad(t: u32, i: u32, slot: u32) -> vec4f {
  return unpack_quad(k[slot]);
}

fn value_quad(t: u32, i: u32, slot: u32) -> vec4f {
  return unpack_quad(v[slot]);
}
