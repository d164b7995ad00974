// The file's 82 bytes for 256 weights: an f16 d, 32 of numbers of points, 32 of
// signs, 8 of high bits, 8 of scales.
// Joined with repack.wgsl; see iq2_s.wgsl for what is written.

fn repack(start: u32, count: u32, output: u32) {
  for (var b = 0u; b < 8u; b++) {
    quants[(output + b) * 2u] = word_at(start + 2u + b * 4u);
    quants[(output + b) * 2u + 1u] = word_at(start + 34u + b * 4u);
  }
  let words = output / 8u * 5u;
  for (var b = 0u; b < 8u; b += 2u) {
    let high = start + 66u + b;
    let s = start + 74u + b;
    scales[words + b / 2u] = byte_at(high) | (byte_at(s) << 8u) |
      (byte_at(high + 1u) << 16u) | (byte_at(s + 1u) << 24u);
  }
  scales[words + 4u] = byte_at(start) | (byte_at(start + 1u) << 8u);
}
