// The file's 110 bytes for 256 weights: an f16 d, 64 of numbers of points, 8 of
// high bits, 32 of signs, 4 of scales.
// Joined with repack.wgsl; see iq3_s.wgsl for what is written.

fn repack(start: u32, count: u32, output: u32) {
  for (var w = 0u; w < 16u; w++) {
    quants[output * 2u + w] = word_at(start + 2u + w * 4u);
  }
  for (var w = 0u; w < 8u; w++) {
    high[output + w] = word_at(start + 74u + w * 4u);
  }
  let words = output / 2u;
  scales[words] = word_at(start + 66u);
  scales[words + 1u] = word_at(start + 70u);
  scales[words + 2u] = word_at(start + 106u);
  scales[words + 3u] = byte_at(start) | (byte_at(start + 1u) << 8u);
}
