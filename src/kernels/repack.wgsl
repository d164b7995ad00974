// Takes the file's blocks of weights apart into the planes of a codec:
//
//   source [..]  bytes, as in the file, blocks back to back at any byte
//   quants [..]  u32, the planes; see the codec's WGSL
//   scales [..]  u32
//   high   [..]  u32
//
// One invocation takes the GROUP blocks of 32 that share words of scales, or the
// file's own block of more: GROUP_BYTES. `first`, the place of the source's first
// block in the output, is a whole number of groups.
// Joined with a repack_*.wgsl, which writes the planes:
//
//   fn repack(start: u32, count: u32, output: u32)
//       byte of the source, blocks of 32 there, and the first one's place

struct Params {
  blocks: u32,
  first: u32,
}

override GROUP: u32;
override GROUP_BYTES: u32;
override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> quants: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> high: array<u32>;

// Four bytes from any byte on.
fn word_at(byte: u32) -> u32 {
  let i = byte >> 2u;
  let shift = (byte & 3u) * 8u;
  if (shift == 0u) {
    return source[i];
  }
  return (source[i] >> shift) | (source[i + 1u] << (32u - shift));
}

fn byte_at(byte: u32) -> u32 {
  return (source[byte >> 2u] >> ((byte & 3u) * 8u)) & 0xffu;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP_SIZE + lane;
  let block = group * GROUP;
  if (block >= params.blocks) {
    return;
  }
  let count = min(GROUP, params.blocks - block);
  repack(group * GROUP_BYTES, count, params.first + block);
}
