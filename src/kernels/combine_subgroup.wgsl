// Maximum and sum over a whole workgroup that is one subgroup: no memory, and no
// barriers.

fn combine_max(value: f32, lane: u32) -> f32 {
  return subgroupMax(value);
}

fn combine_sum(value: f32, lane: u32) -> f32 {
  return subgroupAdd(value);
}
