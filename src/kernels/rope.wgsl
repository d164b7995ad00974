// Rotary embedding and KV write, for prefill: rotates q and k by their position
// and appends k and v to the cache.
//
//   qkv    [batch, stride]               f32: heads of q, of k, of v
//   q      [batch, heads, quads]         vec4f, two quads an octet
//   k, v   [context, kv_heads, words]    KvWord (kv_*.wgsl)
//
// A head is padded with zeros to whole octets. One invocation a span of a head:
// SPAN octets, of which the cache's type says how many are written together.
// Joined with branches.wgsl, behind rotate.wgsl, a kv_*.wgsl and its kv_*_write.wgsl.

struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  octets: u32, // of a head
  words: u32, // of a head in the cache
  stride: u32,
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
  fork: u32, // see branches.wgsl
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> q: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> k: array<KvWord>;
@group(0) @binding(4) var<storage, read_write> v: array<KvWord>;
@group(0) @binding(5) var<uniform> params: Params;
@group(0) @binding(6) var<uniform> batch: Batch;
@group(0) @binding(7) var<storage, read> branches: array<vec2u>;

// What this invocation's head is rotated by; v is not.
var<private> position: u32;
var<private> is_rotated: bool;
// Its octet where it has but one: a driver that flattens branches would load it
// again for q, k and v.
var<private> octet: array<vec4f, 2>;

// Quad i of the head that begins at float `at`.
fn fresh_quad(at: u32, i: u32) -> vec4f {
  if (SPAN == 1u) {
    return select(octet[0], octet[1], (i & 1u) != 0u);
  }
  return turned_quad(at, 4u * i, position, is_rotated);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let i = group * WORKGROUP_SIZE + lane;
  let all_heads = params.heads + 2u * params.kv_heads;
  let spans = (params.octets + SPAN - 1u) / SPAN;
  let span = i % spans;
  let head = (i / spans) % all_heads;
  let m = i / (spans * all_heads);
  if (m >= batch.rows) {
    return;
  }
  let start = m * params.stride + head * params.head_dim;
  position = position_of(m, branch_of(m).x);
  is_rotated = head < params.heads + params.kv_heads;
  if (SPAN == 1u) {
    octet[0] = turned_quad(start, 8u * span, position, is_rotated);
    octet[1] = turned_quad(start, 8u * span + 4u, position, is_rotated);
  }

  if (head < params.heads) {
    let row = (m * params.heads + head) * 2u * params.octets;
    let end = min((span + 1u) * SPAN, params.octets);
    for (var quad = 2u * span * SPAN; quad < 2u * end; quad++) {
      q[row + quad] = fresh_quad(start, quad);
    }
    return;
  }
  let kv_head = (head - params.heads) % params.kv_heads;
  let slot = batch.position + m;
  let base = (slot * params.kv_heads + kv_head) * params.words;
  if (is_rotated) {
    write_key_span(base, start, span);
  } else {
    write_value_span(base, start, span);
  }
}
