// Attention of one row, for decode, with its rotation and KV write. A grid of
// heads x parts: each part reads some of the keys before this row's, and the
// last one takes this row's own key as well. Where there is one part it writes
// the output; of many, each writes what attention_reduce.wgsl adds up.
//
// Each workgroup rotates its own q and the k that belongs to it. The first head
// of a group appends k and v to the cache; as no workgroup can wait for another,
// all take this position's from their own copy, rounded as the cache rounds.
//
//   k, v      [context, kv_heads, words]          KvWord (kv_*.wgsl)
//   partials  [parts, heads, 1 + 2 * octets]      vec4f: (maximum, sum of
//             weights, parts, 0) and the weighted sum of v by quads
//
// Joined behind attention_shared.wgsl, rotate.wgsl, a kv_*.wgsl and its
// kv_*_write.wgsl, in front of attention_lanes.wgsl or attention_keys.wgsl.

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> k: array<KvWord>;
@group(0) @binding(3) var<storage, read_write> v: array<KvWord>;
@group(0) @binding(7) var<storage, read_write> partials: array<vec4f>;

// Keys of a part are a multiple of this; see partsAt() in attention_step.ts.
const PART_KEYS = 64u;

// Of this row, 64 quads each: q, scaled, and k and v before they are rounded.
var<workgroup> fresh: array<vec4f, 192>;
const Q_AT = 0u;
const K_AT = 64u;
const V_AT = 128u;

fn fresh_quad(at: u32, i: u32) -> vec4f {
  return fresh[at + i];
}

fn load_fresh(head: u32, kv_head: u32, lane: u32) {
  let q_start = head * params.head_dim;
  let k_start = (params.heads + kv_head) * params.head_dim;
  let v_start = k_start + params.kv_heads * params.head_dim;
  let spans = (params.octets + SPAN - 1u) / SPAN;
  for (var i = lane; i < spans * SPAN * 2u; i += WORKGROUP_SIZE) {
    let d = i * 4u;
    fresh[Q_AT + i] =
      rotated_quad(q_start, d, batch.position) * params.scale;
    fresh[K_AT + i] = rotated_quad(k_start, d, batch.position);
    fresh[V_AT + i] = plain_quad(v_start, d);
  }
  workgroupBarrier();
}

fn append(head: u32, kv_head: u32, lane: u32) {
  if (head % (params.heads / params.kv_heads) != 0u) {
    return;
  }
  let base = words_at(batch.position, kv_head);
  let count = (params.octets + GROUP - 1u) / GROUP * GROUP;
  for (var o = lane; o < count; o += WORKGROUP_SIZE) {
    write_key(base, K_AT, o);
    write_value(base, V_AT, o);
  }
}

// The keys of the cache that a part reads: from .x on, before .y.
fn keys_of(part: u32, parts: u32) -> vec2u {
  let share = (batch.position + parts - 1u) / parts;
  let size = (share + PART_KEYS - 1u) / PART_KEYS * PART_KEYS;
  return min(
    vec2u(part * size, part * size + size),
    vec2u(batch.position),
  );
}

fn store_state(head: u32, part: u32, parts: u32, state: State) {
  partials[(part * params.heads + head) * (1u + 2u * params.octets)] =
    vec4f(state.max, state.sum, f32(parts), 0.0);
}

// Writes quad i of the weighted sum, or of the output where there is one part.
fn store_sum(
  head: u32,
  part: u32,
  parts: u32,
  i: u32,
  value: vec4f,
  state: State,
) {
  if (parts == 1u) {
    store_quad(head * params.head_dim, 4u * i, value / state.sum);
  } else {
    let base = (part * params.heads + head) * (1u + 2u * params.octets);
    partials[base + 1u + i] = value;
  }
}
