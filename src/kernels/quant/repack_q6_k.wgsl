// The file's 210 bytes for 256 weights: 128 of low nibbles, 64 of high bits, 16
// of scales, an f16 d. Each half of 128 weights has its own part of the first
// two. Within a half, weights 32k to 32k + 31 are the low (k < 2) or high
// nibbles of bytes 32 (k & 1) and on.
// Joined with repack.wgsl and repack_planes.wgsl; see q6_k.wgsl for what is
// written.

fn repack(start: u32, count: u32, output: u32) {
  for (var b = 0u; b < 8u; b++) {
    let low = start + (b >> 2u) * 64u + (b & 1u) * 32u;
    write_nibbles(low, ((b >> 1u) & 1u) * 4u, output + b);
    let pairs = pairs_at(start + 128u, b);
    high[(output + b) * 2u] = pairs.x;
    high[(output + b) * 2u + 1u] = pairs.y;
  }
  let words = output / 8u * 5u;
  for (var w = 0u; w < 4u; w++) {
    scales[words + w] = word_at(start + 192u + w * 4u);
  }
  scales[words + 4u] = byte_at(start + 208u) | (byte_at(start + 209u) << 8u);
}
