// Cuts the file's Q6_K blocks of 256 weights into the GPU's blocks of 32; see
// q6_k.wgsl for what is written.
//
//   source [blocks / 8, 210] bytes: 128 of low nibbles, 64 of high bits, 16 of
//                            scales, an f16 d. Each half of 128 weights has its
//                            own part of the first three.
//   quants [blocks, 4] u32
//   scales [blocks, 3] u32
//
// Within a half, weights 32k to 32k + 31 are the low (k < 2) or high nibbles of
// bytes 32 (k & 1) and on, and bits 2k of the high bits. One invocation a block
// of 32; `first` is the place of the source's first one in the output.

struct Params {
  blocks: u32,
  first: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> quants: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

// Four bytes from any even byte on.
fn word_at(byte: u32) -> u32 {
  let i = byte >> 2u;
  if ((byte & 2u) == 0u) {
    return source[i];
  }
  return (source[i] >> 16u) | (source[i + 1u] << 16u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let block = group * WORKGROUP_SIZE + lane;
  if (block >= params.blocks) {
    return;
  }
  let start = (block >> 3u) * 210u;
  let half = (block >> 2u) & 1u;
  let k = block & 3u;
  let low = start + half * 64u + (k & 1u) * 32u;
  let high = start + 128u + half * 32u;
  let nibble = (k >> 1u) * 4u;
  let output = params.first + block;

  var bits = vec2u(0u);
  for (var w = 0u; w < 4u; w++) {
    // Weights 4w and on of the block's first 16, and of its last 16.
    let a = (word_at(low + w * 4u) >> nibble) & 0x0f0f0f0fu;
    let b = (word_at(low + 16u + w * 4u) >> nibble) & 0x0f0f0f0fu;
    quants[output * 4u + w] = a | (b << 4u);
    let c = (word_at(high + w * 4u) >> (2u * k)) & 0x03030303u;
    let d = (word_at(high + 16u + w * 4u) >> (2u * k)) & 0x03030303u;
    bits |= vec2u(c, d) << vec2u(2u * w);
  }
  let pair = word_at(start + 192u + half * 8u + k * 2u) & 0xffffu;
  scales[output * 3u] = bits.x;
  scales[output * 3u + 1u] = bits.y;
  scales[output * 3u + 2u] = pair | (word_at(start + 206u) & 0xffff0000u);
}
