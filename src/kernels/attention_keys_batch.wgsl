// Where the queries of attention_keys.wgsl are in prefill: a workgroup a row.
// Joined behind attention_batch.wgsl.

override WORKGROUP_SIZE: u32 = 64u;

var<workgroup> q_head: array<vec4f, 64>;
var<private> gap: u32; // of the row

fn work_of(workgroup: vec3u) -> Work {
  let row = workgroup.y;
  gap = branch_of(row).x;
  let position = position_of(row, gap);
  return Work(
    workgroup.x,
    workgroup.x / (params.heads / params.kv_heads),
    row,
    0u,
    1u,
    vec2u(first_seen(position), position + 1u),
  );
}

fn head_at(work: Work, key: u32) -> u32 {
  return words_at(slot_of(key, gap), work.kv_head);
}

fn begin(work: Work, lane: u32) -> bool {
  let start = (work.row * params.heads + work.head) * 2u * params.octets;
  for (var i = lane; i < 2u * params.octets; i += WORKGROUP_SIZE) {
    q_head[i] = q[start + i] * params.scale;
  }
  workgroupBarrier();
  return true;
}

fn first_state(work: Work, lane: u32) -> State {
  for (var o = lane; o < params.octets; o += WORKGROUP_SIZE) {
    sums[2u * o] = vec4f(0.0);
    sums[2u * o + 1u] = vec4f(0.0);
  }
  return State(MASKED, 0.0);
}

fn query_quad(i: u32) -> vec4f {
  return q_head[i];
}

fn finish(work: Work, i: u32, value: vec4f, state: State) {
  let start = work.row * params.stride + work.head * params.head_dim;
  store_quad(start, 4u * i, value / state.sum);
}
