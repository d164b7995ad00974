// Where the query of attention_keys.wgsl is in decode: a workgroup a part of the
// one row, the last of which begins with the row's own key. Joined behind
// attention_step.wgsl.

fn prepare(head: u32, kv_head: u32, part: u32, parts: u32, lane: u32) -> State {
  load_fresh(head, kv_head, lane);
  let is_last = part + 1u == parts;
  if (is_last) {
    append(head, kv_head, lane);
  }
  var products = vec4f(0.0);
  for (var o = lane; o < params.octets; o += WORKGROUP_SIZE) {
    let key = rounded_octet(K_AT, o);
    products = fma(query_quad(2u * o), key.lo, products);
    products = fma(query_quad(2u * o + 1u), key.hi, products);
    let value = rounded_octet(V_AT, o);
    sums[2u * o] = select(vec4f(0.0), value.lo, is_last);
    sums[2u * o + 1u] = select(vec4f(0.0), value.hi, is_last);
  }
  let score = combine_sum(dot(products, vec4f(1.0)), lane);
  if (is_last) {
    return State(score, 1.0);
  }
  return State(MASKED, 0.0);
}

fn query_quad(i: u32) -> vec4f {
  return fresh[Q_AT + i];
}

fn finish(
  head: u32,
  part: u32,
  parts: u32,
  i: u32,
  value: vec4f,
  state: State,
) {
  store_sum(head, part, parts, i, value, state);
  if (i == 0u && parts > 1u) {
    store_state(head, part, parts, state);
  }
}
