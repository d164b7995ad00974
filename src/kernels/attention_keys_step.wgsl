// Where the queries of attention_keys.wgsl are in decode: a workgroup a part of a
// row, the last of which begins with the row's own key. Joined behind
// attention_step.wgsl.

fn first_state(work: Work, lane: u32) -> State {
  let has_own = is_last(work);
  var products = vec4f(0.0);
  for (var o = lane; o < params.octets; o += WORKGROUP_SIZE) {
    let key = rounded_octet(K_AT, o);
    products = fma(query_quad(2u * o), key.lo, products);
    products = fma(query_quad(2u * o + 1u), key.hi, products);
    let value = rounded_octet(V_AT, o);
    sums[2u * o] = select(vec4f(0.0), value.lo, has_own);
    sums[2u * o + 1u] = select(vec4f(0.0), value.hi, has_own);
  }
  let score = combine_sum(dot(products, vec4f(1.0)), lane);
  if (has_own) {
    return State(score, 1.0);
  }
  return State(MASKED, 0.0);
}

fn head_at(work: Work, key: u32) -> u32 {
  return words_at(key, work.kv_head);
}

fn query_quad(i: u32) -> vec4f {
  return fresh[Q_AT + i];
}

fn finish(work: Work, i: u32, value: vec4f, state: State) {
  store_sum(work, i, value, state);
  if (i == 0u && work.parts > 1u) {
    store_state(work, state);
  }
}
