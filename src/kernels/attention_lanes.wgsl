// Attention of one row where LANES invocations share a key, an octet each, so
// that neighbours load what lies side by side. The runs of LANES in a workgroup
// take keys in turn, four at a time, each with a running maximum and sum of its
// own (online softmax), and meet once at the end.
//
// LANES is a power of two that is at least the octets of a head. Joined behind
// attention_step.wgsl and a reduce_*.wgsl.

override LANES: u32 = 16u;
override RUNS: u32 = WORKGROUP_SIZE / LANES;

var<workgroup> run_states: array<vec2f, RUNS>; // maximum, sum of weights
var<workgroup> run_lo: array<vec4f, WORKGROUP_SIZE>;
var<workgroup> run_hi: array<vec4f, WORKGROUP_SIZE>;

fn dot_octet(a: Octet, b: Octet) -> f32 {
  let products = fma(a.hi, b.hi, a.lo * b.lo);
  return products.x + products.y + (products.z + products.w);
}

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
  let kv_head = work.kv_head;
  let run = lane / LANES;
  // Lanes behind the head's end score nothing: their query is zero.
  let o = min(lane & (LANES - 1u), params.octets - 1u);
  let used = (lane & (LANES - 1u)) < params.octets;

  let query = Octet(
    select(vec4f(0.0), fresh[Q_AT + 2u * o], used),
    select(vec4f(0.0), fresh[Q_AT + 2u * o + 1u], used),
  );

  var state = State(MASKED, 0.0);
  var sum = Octet(vec4f(0.0), vec4f(0.0));
  let own = dot_octet(query, rounded_octet(K_AT, o));
  let own_score = reduce_sum(vec4f(own), lane).x;
  if (is_last(work) && run == 0u) {
    state = State(own_score, 1.0);
    sum = rounded_octet(V_AT, o);
  }

  for (var first = keys.x; first < keys.y; first += 4u * RUNS) {
    let t = vec4u(first + run) + RUNS * vec4u(0u, 1u, 2u, 3u);
    let seen = t < vec4u(keys.y);
    let at = min(t, vec4u(keys.y - 1u));
    let base0 = words_at(at.x, kv_head);
    let base1 = words_at(at.y, kv_head);
    let base2 = words_at(at.z, kv_head);
    let base3 = words_at(at.w, kv_head);
    let scores = reduce_sum(
      vec4f(
        dot_octet(query, key_octet(base0, o)),
        dot_octet(query, key_octet(base1, o)),
        dot_octet(query, key_octet(base2, o)),
        dot_octet(query, key_octet(base3, o)),
      ),
      lane,
    );
    let s = select(vec4f(MASKED), scores, seen);
    let new_max = max(state.max, max(max(s.x, s.y), max(s.z, s.w)));
    let p = select(vec4f(0.0), exp(s - new_max), seen);
    let correction = exp(state.max - new_max);
    state.max = new_max;
    state.sum = fma(state.sum, correction, p.x + p.y + (p.z + p.w));
    let v0 = value_octet(base0, o);
    let v1 = value_octet(base1, o);
    let v2 = value_octet(base2, o);
    let v3 = value_octet(base3, o);
    sum.lo = sum.lo * correction + p.x * v0.lo + p.y * v1.lo + p.z * v2.lo +
      p.w * v3.lo;
    sum.hi = sum.hi * correction + p.x * v0.hi + p.y * v1.hi + p.z * v2.hi +
      p.w * v3.hi;
  }

  run_lo[lane] = sum.lo;
  run_hi[lane] = sum.hi;
  if ((lane & (LANES - 1u)) == 0u) {
    run_states[run] = vec2f(state.max, state.sum);
  }
  workgroupBarrier();

  var most = MASKED;
  for (var i = 0u; i < RUNS; i++) {
    most = max(most, run_states[i].x);
  }
  if (lane < params.octets) {
    var all = State(most, 0.0);
    sum = Octet(vec4f(0.0), vec4f(0.0));
    for (var i = 0u; i < RUNS; i++) {
      let weight = exp(run_states[i].x - most);
      all.sum += run_states[i].y * weight;
      sum.lo += run_lo[i * LANES + lane] * weight;
      sum.hi += run_hi[i * LANES + lane] * weight;
    }
    store_sum(work, 2u * lane, sum.lo, all);
    store_sum(work, 2u * lane + 1u, sum.hi, all);
    if (lane == 0u && work.parts > 1u) {
      store_state(work, all);
    }
  }
}
