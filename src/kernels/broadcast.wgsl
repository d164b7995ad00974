// A block of activations for all lanes of a subgroup, of which the first eight
// hold a quad each, or the four hold two each: shuffles instead of loads.
// Joined behind quant/block.wgsl.

fn broadcast8(v: vec4f) -> Block {
  return Block(
    subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u),
    subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u),
    subgroupBroadcast(v, 4u), subgroupBroadcast(v, 5u),
    subgroupBroadcast(v, 6u), subgroupBroadcast(v, 7u),
  );
}

fn broadcast4(v: vec4f, u: vec4f) -> Block {
  return Block(
    subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u),
    subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u),
    subgroupBroadcast(u, 0u), subgroupBroadcast(u, 1u),
    subgroupBroadcast(u, 2u), subgroupBroadcast(u, 3u),
  );
}
