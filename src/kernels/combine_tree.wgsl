// Maximum and sum over a whole workgroup of WORKGROUP_SIZE invocations, a power
// of two, for every device: a tree in workgroup memory. All invocations of the
// workgroup must call them.

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

fn combine_max(value: f32, lane: u32) -> f32 {
  partial[lane] = value;
  workgroupBarrier();
  for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      partial[lane] = max(partial[lane], partial[lane + stride]);
    }
    workgroupBarrier();
  }
  let result = partial[0];
  workgroupBarrier();
  return result;
}

fn combine_sum(value: f32, lane: u32) -> f32 {
  partial[lane] = value;
  workgroupBarrier();
  for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      partial[lane] += partial[lane + stride];
    }
    workgroupBarrier();
  }
  let result = partial[0];
  workgroupBarrier();
  return result;
}

var<workgroup> shared_values: array<f32, WORKGROUP_SIZE>;

// As in combine_subgroup.wgsl.
fn share(value: f32, lane: u32) {
  shared_values[lane] = value;
  workgroupBarrier();
}

fn shared_by(from_lane: u32, value: f32) -> f32 {
  return shared_values[from_lane];
}

fn unshare() {
  workgroupBarrier(); // before the next values overwrite them
}
