// The file's 144 bytes for 256 weights: 16 of header, 128 of nibbles. Weights
// 64k to 64k + 31 are the low nibbles of bytes 32k and on, the next 32 the
// high. Joined with repack.wgsl and repack_planes.wgsl; see q4_k.wgsl for what
// is written.

fn repack(start: u32, count: u32, output: u32) {
  for (var b = 0u; b < 8u; b += 2u) {
    write_nibbles(start + 16u + b * 16u, output + b, output + b + 1u);
  }
  for (var w = 0u; w < 4u; w++) {
    scales[output / 2u + w] = word_at(start + w * 4u);
  }
}
