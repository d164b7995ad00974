// Attention of rows that follow from each other, for decode, with their rotation
// and KV write. A grid of heads x parts x rows: each part reads some of the keys
// that its row sees before its own, and the last one takes that as well. Where a row
// has one part it writes the output; of many, each writes what
// attention_reduce.wgsl adds up.
//
// Each workgroup rotates its own q and the k that belongs to it. The first head
// of a group appends k and v to the cache; as no workgroup can wait for another,
// all take this position's from their own copy, rounded as the cache rounds. A
// row alone is appended and attended to at once. Of several, all are appended
// before one of them reads the cache, in a dispatch of this same pipeline: every
// row is computed by the same instructions, however many there are.
//
//   qkv       [batch, (heads + 2 * kv_heads) * head_dim]  f32
//   k, v      [context, kv_heads, words]                  KvWord (kv_*.wgsl)
//   partials  see attention_parts.wgsl
//
// Joined behind attention_parts.wgsl, rotate.wgsl, a kv_*.wgsl and its
// kv_*_write.wgsl, in front of attention_lanes.wgsl or attention_keys.wgsl.

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> k: array<KvWord>;
@group(0) @binding(3) var<storage, read_write> v: array<KvWord>;
@group(0) @binding(7) var<storage, read_write> partials: array<vec4f>;

// Of the row, 64 quads each: q, scaled, and k and v before they are rounded.
var<workgroup> fresh: array<vec4f, 192>;
const Q_AT = 0u;
const K_AT = 64u;
const V_AT = 128u;

fn fresh_quad(at: u32, i: u32) -> vec4f {
  return fresh[at + i];
}

fn work_of(workgroup: vec3u) -> Work {
  let row = batch.first + workgroup.z;
  let end = position_of(row); // the row's own key is not read
  let parts = parts_of(seen_before(end));
  let first = first_seen(end) + workgroup.y * parts.y;
  return Work(
    workgroup.x,
    workgroup.x / (params.heads / params.kv_heads),
    row,
    workgroup.y,
    parts.x,
    min(vec2u(first, first + parts.y), vec2u(end)),
  );
}

// Rotates what the workgroup needs and appends what it has to; whether there is
// attention to compute, which is the same for all of the workgroup.
fn begin(work: Work, lane: u32) -> bool {
  let appends = task.appends != 0u && is_last(work) &&
    work.head % (params.heads / params.kv_heads) == 0u;
  let attends = task.attends != 0u && work.part < work.parts;
  if (!(appends || attends)) {
    return false;
  }
  load_fresh(work, lane);
  if (appends) {
    append(work, lane);
  }
  return attends;
}

fn position_of(row: u32) -> u32 {
  return batch.position + (row - batch.first);
}

// Whether the workgroup has the row's own key.
fn is_last(work: Work) -> bool {
  return work.part + 1u == work.parts;
}

fn load_fresh(work: Work, lane: u32) {
  let position = position_of(work.row);
  let heads = params.heads + 2u * params.kv_heads;
  let start = work.row * heads * params.head_dim;
  let q_start = start + work.head * params.head_dim;
  let k_start = start + (params.heads + work.kv_head) * params.head_dim;
  let v_start = k_start + params.kv_heads * params.head_dim;
  let spans = (params.octets + SPAN - 1u) / SPAN;
  for (var i = lane; i < spans * SPAN * 2u; i += WORKGROUP_SIZE) {
    let d = i * 4u;
    fresh[Q_AT + i] = rotated_quad(q_start, d, position) * params.scale;
    fresh[K_AT + i] = rotated_quad(k_start, d, position);
    fresh[V_AT + i] = plain_quad(v_start, d);
  }
  workgroupBarrier();
}

fn append(work: Work, lane: u32) {
  let base = words_at(position_of(work.row), work.kv_head);
  let count = (params.octets + GROUP - 1u) / GROUP * GROUP;
  for (var o = lane; o < count; o += WORKGROUP_SIZE) {
    write_key(base, K_AT, o);
    write_value(base, V_AT, o);
  }
}

fn store_state(work: Work, state: State) {
  partials[partials_at(work.row, work.part, work.head)] =
    vec4f(state.max, state.sum, 0.0, 0.0);
}

// Writes quad i of the weighted sum, or of the output where there is one part.
fn store_sum(work: Work, i: u32, value: vec4f, state: State) {
  if (work.parts == 1u) {
    let start = work.row * params.stride + work.head * params.head_dim;
    store_quad(start, 4u * i, value / state.sum);
  } else {
    let at = partials_at(work.row, work.part, work.head);
    partials[at + 1u + i] = value;
  }
}
