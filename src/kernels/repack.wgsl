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
// Loops are few and short, as each turn of one costs about as much as a load.
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
// Whether the file's blocks are whole words, and all parts of them.
override ALIGNED: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> quants: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> high: array<u32>;

// Four bytes from any byte on.
fn word_at(byte: u32) -> u32 {
  let i = byte >> 2u;
  if (ALIGNED) {
    return source[i];
  }
  let shift = (byte & 3u) * 8u;
  if (shift == 0u) {
    return source[i];
  }
  return (source[i] >> shift) | (source[i + 1u] << (32u - shift));
}

// Sixteen bytes from any byte on. One word is loaded too much where that is a
// multiple of four: less than a branch costs where lanes differ in it.
fn quad_at(byte: u32) -> vec4u {
  let i = byte >> 2u;
  let words = vec4u(source[i], source[i + 1u], source[i + 2u], source[i + 3u]);
  if (ALIGNED) {
    return words;
  }
  let shift = (byte & 3u) * 8u;
  let next = vec4u(words.yzw, source[i + 4u]);
  return (words >> vec4u(shift)) | ((next << vec4u(1u)) << vec4u(31u - shift));
}

// Two bytes from an even byte on.
fn half_at(byte: u32) -> u32 {
  return (source[byte >> 2u] >> ((byte & 2u) * 8u)) & 0xffffu;
}

fn byte_at(byte: u32) -> u32 {
  return (source[byte >> 2u] >> ((byte & 3u) * 8u)) & 0xffu;
}

fn write_quad(i: u32, words: vec4u) {
  quants[i] = words.x;
  quants[i + 1u] = words.y;
  quants[i + 2u] = words.z;
  quants[i + 3u] = words.w;
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
