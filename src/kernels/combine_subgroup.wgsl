// Maximum and sum over a whole workgroup that is one subgroup: no memory, and no
// barriers.

fn combine_max(value: f32, lane: u32) -> f32 {
  return subgroupMax(value);
}

fn combine_sum(value: f32, lane: u32) -> f32 {
  return subgroupAdd(value);
}

// Lets each lane ask for the value of any other with shared_by(), all of them for
// the same at a time, until unshare().
fn share(value: f32, lane: u32) {}

fn shared_by(from_lane: u32, value: f32) -> f32 {
  return subgroupShuffle(value, from_lane);
}

fn unshare() {}
