// Takes blocks of one f16 scale and PAYLOAD 4-byte words of quants apart:
//
//   source [blocks, 2 + 4 * PAYLOAD] bytes, as in the file
//   quants [blocks, PAYLOAD] u32
//   scales [blocks / 2]      u32, two f16 each
//
// A block starts on any even byte, so words are put together from halves. One
// invocation takes the two blocks that share a word of `scales`; `first`, the
// place of the source's first block in the output, is even.

struct Params {
  blocks: u32,
  first: u32,
}

override PAYLOAD: u32;
override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> quants: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn half_at(i: u32) -> u32 {
  return (source[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu;
}

fn repack(block: u32) -> u32 {
  let start = block * (1u + 2u * PAYLOAD);
  for (var w = 0u; w < PAYLOAD; w++) {
    let i = start + 1u + 2u * w;
    quants[(params.first + block) * PAYLOAD + w] =
      half_at(i) | (half_at(i + 1u) << 16u);
  }
  return half_at(start);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let block = (group * WORKGROUP_SIZE + lane) * 2u;
  if (block >= params.blocks) {
    return;
  }
  var pair = repack(block);
  if (block + 1u < params.blocks) {
    pair |= repack(block + 1u) << 16u;
  }
  scales[(params.first + block) / 2u] = pair;
}
