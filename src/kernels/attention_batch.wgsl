// Attention of a batch, for prefill: rope.wgsl has rotated q and written k and v
// of every row to the cache.
//
//   q     [batch, heads, quads]       vec4f, two quads an octet
//   k, v  [context, kv_heads, words]  KvWord (kv_*.wgsl)
//
// Joined with branches.wgsl.

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<KvWord>;
@group(0) @binding(2) var<storage, read> v: array<KvWord>;
@group(0) @binding(3) var<storage, read> branches: array<vec2u>;

// The last key of a branch that rows up to `last_row` see.
fn last_key_of(branch: vec2u, last_row: u32) -> u32 {
  return position_of(min(branch.y - 1u, last_row), branch.x);
}

// The least position of a row and those behind it.
fn least_position(row: u32) -> u32 {
  let position = position_of(row, branch_of(row).x);
  return select(position, min(position, batch.fork), batch.fork > 0u);
}
