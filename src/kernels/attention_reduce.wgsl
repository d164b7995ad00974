// Adds up the parts of attention of each row; see attention_step.wgsl:
//
//   y[h] = sum over parts of exp(max - most) v / sum of exp(max - most) weights
//
// One workgroup a head and row, one lane a quad. Joined behind
// attention_parts.wgsl.

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read> partials: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = workgroup.x;
  let row = batch.first + workgroup.y;
  let parts = parts_of(seen_before(batch.position + workgroup.y)).x;
  if (parts == 1u) {
    return; // that one has written the output
  }
  let start = row * params.stride + head * params.head_dim;
  for (var i = lane; i < 2u * params.octets; i += WORKGROUP_SIZE) {
    var most = MASKED;
    var sum = 0.0;
    var value = vec4f(0.0);
    for (var part = 0u; part < parts; part++) {
      let at = partials_at(row, part, head);
      let state = partials[at];
      let new_most = max(most, state.x);
      let before = exp(most - new_most);
      let weight = exp(state.x - new_most);
      sum = fma(sum, before, state.y * weight);
      value = fma(value, vec4f(before), partials[at + 1u + i] * weight);
      most = new_most;
    }
    store_quad(start, 4u * i, value / sum);
  }
}
