// Sum over each run of LANES invocations, a power of two, for every device: a
// tree in workgroup memory. All invocations of the workgroup must call it.

var<workgroup> partial: array<vec4f, WORKGROUP_SIZE>;

fn reduce_sum(value: vec4f, index: u32) -> vec4f {
  let lane = index & (LANES - 1u);
  partial[index] = value;
  workgroupBarrier();
  for (var stride = LANES / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      partial[index] += partial[index + stride];
    }
    workgroupBarrier();
  }
  let sum = partial[index - lane];
  workgroupBarrier(); // before the next sum overwrites it
  return sum;
}
