// Where the queries of attention_keys.wgsl are in prefill: a workgroup a row.
// Joined behind attention_batch.wgsl.

override WORKGROUP_SIZE: u32 = 64u;

var<workgroup> q_head: array<vec4f, 64>;

fn keys_of(m: u32, rows: u32) -> vec2u {
  return vec2u(0u, batch.position + m + 1u);
}

fn prepare(head: u32, kv_head: u32, m: u32, rows: u32, lane: u32) -> State {
  let start = (m * params.heads + head) * 2u * params.octets;
  for (var i = lane; i < 2u * params.octets; i += WORKGROUP_SIZE) {
    q_head[i] = q[start + i] * params.scale;
    sums[i] = vec4f(0.0);
  }
  workgroupBarrier();
  return State(MASKED, 0.0);
}

fn query_quad(i: u32) -> vec4f {
  return q_head[i];
}

fn finish(
  head: u32,
  m: u32,
  rows: u32,
  i: u32,
  value: vec4f,
  state: State,
) {
  let start = m * params.stride + head * params.head_dim;
  store_quad(start, 4u * i, value / state.sum);
}
