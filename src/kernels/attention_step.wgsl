// Attention of one row, for decode, with its rotation and KV write: each
// workgroup rotates its own q and the k that belongs to it. The first head of a
// group appends k and v to the cache; as no workgroup can wait for another, all
// take this position's from their own copy, rounded as the cache rounds.
//
//   k, v  [context, kv_heads, quads]  KvQuad (kv_*.wgsl)
//
// Joined behind rotate.wgsl and a kv_*.wgsl.

@group(0) @binding(2) var<storage, read_write> k: array<KvQuad>;
@group(0) @binding(3) var<storage, read_write> v: array<KvQuad>;

var<workgroup> k_now: array<KvQuad, 64>;
var<workgroup> v_now: array<KvQuad, 64>;

fn prepare(head: u32, kv_head: u32, m: u32, lane: u32) {
  let q_start = head * params.head_dim;
  let k_start = (params.heads + kv_head) * params.head_dim;
  let v_start = k_start + params.kv_heads * params.head_dim;
  let slot = (batch.position * params.kv_heads + kv_head) * params.quads;
  let writes = head % (params.heads / params.kv_heads) == 0u;
  for (var i = lane; i < params.quads; i += WORKGROUP_SIZE) {
    let d = i * 4u;
    q_head[i] = rotated_quad(q_start, d, batch.position) * params.scale;
    let key = pack_quad(rotated_quad(k_start, d, batch.position));
    let value = pack_quad(plain_quad(v_start, d));
    k_now[i] = key;
    v_now[i] = value;
    if (writes) {
      k[slot + i] = key;
      v[slot + i] = value;
    }
  }
}

fn key_quad(t: u32, i: u32, slot: u32) -> vec4f {
  if (t == batch.position) {
    return unpack_quad(k_now[i]);
  }
  return unpack_quad(k[slot]);
}

fn value_quad(t: u32, i: u32, slot: u32) -> vec4f {
  if (t == batch.position) {
    return unpack_quad(v_now[i]);
  }
  return unpack_quad(v[slot]);
}
