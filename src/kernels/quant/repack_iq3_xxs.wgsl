// The file's 98 bytes for 256 weights: an f16 d, 64 of numbers of points, 32 of
// signs and scales.
// Joined with repack.wgsl; see iq3_xxs.wgsl for what is written.

fn repack(start: u32, count: u32, output: u32) {
  for (var w = 0u; w < 16u; w++) {
    quants[output * 2u + w] = word_at(start + 2u + w * 4u);
  }
  for (var w = 0u; w < 8u; w++) {
    high[output + w] = word_at(start + 66u + w * 4u);
  }
  scales[output / 8u] = byte_at(start) | (byte_at(start + 1u) << 8u);
}
