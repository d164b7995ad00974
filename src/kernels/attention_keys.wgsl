// Causal grouped-query attention for every device, WORKGROUP_SIZE keys at a time
// with a running maximum and sum (online softmax): each lane scores one key, then
// each lane adds up the values of its octets of the head over those keys.
// Joined behind a combine_*.wgsl, a kv_*.wgsl and what knows where the rows and
// their keys are, attention_keys_batch.wgsl or attention_keys_step.wgsl:
//
//   fn work_of(workgroup) -> Work
//   fn head_at(work, key) -> u32          first word of its head in the cache
//   fn begin(work, lane) -> bool          whether there is something to do
//   fn first_state(work, lane) -> State   fills sums with zeros, or first values
//   fn query_quad(i) -> vec4f             scaled
//   fn finish(work, i, value, state)      writes quad i
//
// One workgroup a head, row and part.

var<workgroup> sums: array<vec4f, 64>; // of p * v, one head

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = work_of(workgroup);
  if (!begin(work, lane)) {
    return;
  }
  let keys = work.keys;
  var state = first_state(work, lane);

  for (var first = keys.x; first < keys.y; first += WORKGROUP_SIZE) {
    let key = first + lane;
    var products = vec4f(0.0);
    let base = head_at(work, min(key, keys.y - 1u));
    for (var o = 0u; o < params.octets; o++) {
      let octet = key_octet(base, o);
      products = fma(query_quad(2u * o), octet.lo, products);
      products = fma(query_quad(2u * o + 1u), octet.hi, products);
    }
    let seen = key < keys.y;
    let score = select(MASKED, dot(products, vec4f(1.0)), seen);
    let new_max = max(state.max, combine_max(score, lane));
    let weight = select(0.0, exp(score - new_max), seen);
    let correction = exp(state.max - new_max);
    state.max = new_max;
    state.sum = fma(state.sum, correction, combine_sum(weight, lane));
    share(weight, lane);

    // All lanes stay together: they take the weights from each other.
    let count = min(WORKGROUP_SIZE, keys.y - first);
    for (var start = 0u; start < params.octets; start += WORKGROUP_SIZE) {
      let used = start + lane < params.octets;
      let o = select(params.octets - 1u, start + lane, used);
      var lo = vec4f(0.0);
      var hi = vec4f(0.0);
      if (used) {
        lo = sums[2u * o] * correction;
        hi = sums[2u * o + 1u] * correction;
      }
      for (var t = 0u; t < count; t++) {
        let octet = value_octet(head_at(work, first + t), o);
        let p = vec4f(shared_by(t, weight));
        lo = fma(p, octet.lo, lo);
        hi = fma(p, octet.hi, hi);
      }
      if (used) {
        sums[2u * o] = lo;
        sums[2u * o + 1u] = hi;
      }
    }
    unshare();
  }

  for (var o = lane; o < params.octets; o += WORKGROUP_SIZE) {
    finish(work, 2u * o, sums[2u * o], state);
    finish(work, 2u * o + 1u, sums[2u * o + 1u], state);
  }
}
