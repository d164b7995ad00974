// Adds up the parts of attention of one row; see attention_step.wgsl:
//
//   y[h] = sum over parts of exp(max - most) v / sum of exp(max - most) weights
//
//   partials  [parts, heads, 1 + 2 * octets]  vec4f
//
// One workgroup a head, one lane a quad. Joined behind attention_shared.wgsl.

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read> partials: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = workgroup.x;
  let size = 1u + 2u * params.octets;
  let parts = u32(partials[head * size].z);
  for (var i = lane; i < 2u * params.octets; i += WORKGROUP_SIZE) {
    var most = MASKED;
    var sum = 0.0;
    var value = vec4f(0.0);
    for (var part = 0u; part < parts; part++) {
      let at = (part * params.heads + head) * size;
      let state = partials[at];
      let new_most = max(most, state.x);
      let before = exp(most - new_most);
      let weight = exp(state.x - new_most);
      sum = sum * before + state.y * weight;
      value = value * before + partials[at + 1u + i] * weight;
      most = new_most;
    }
    store_quad(head * params.head_dim, 4u * i, value / sum);
  }
}
