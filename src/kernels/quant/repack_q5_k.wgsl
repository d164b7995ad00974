// The file's 176 bytes for 256 weights: 16 of header, 32 of high bits, 128 of
// nibbles. Weights 64k to 64k + 31 are the low nibbles of bytes 32k and on, the
// next 32 the high.
// Joined with repack.wgsl and repack_planes.wgsl; see q5_k.wgsl for what is
// written.

fn repack(start: u32, count: u32, output: u32) {
  let first = quad_at(start + 16u);
  let last = quad_at(start + 32u);
  for (var b = 0u; b < 8u; b += 2u) {
    write_nibbles(start + 48u + b * 16u, output + b, output + b + 1u);
    high[output + b] = bits_of(first, last, b);
    high[output + b + 1u] = bits_of(first, last, b + 1u);
  }
  for (var w = 0u; w < 4u; w++) {
    scales[output / 2u + w] = word_at(start + w * 4u);
  }
}
