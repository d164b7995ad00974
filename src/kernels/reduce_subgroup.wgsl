// Sum over each run of LANES invocations, a power of two that is at most the
// subgroup size: a butterfly of shuffles, without memory or barriers.

fn reduce_sum(value: vec4f, index: u32) -> vec4f {
  var sum = value;
  // Unrolled by hand: naga bounds every loop, and LANES folds these away.
  if (LANES > 32u) { sum += subgroupShuffleXor(sum, 32u); }
  if (LANES > 16u) { sum += subgroupShuffleXor(sum, 16u); }
  if (LANES > 8u) { sum += subgroupShuffleXor(sum, 8u); }
  if (LANES > 4u) { sum += subgroupShuffleXor(sum, 4u); }
  if (LANES > 2u) { sum += subgroupShuffleXor(sum, 2u); }
  if (LANES > 1u) { sum += subgroupShuffleXor(sum, 1u); }
  return sum;
}
