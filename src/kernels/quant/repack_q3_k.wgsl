// The file's 110 bytes for 256 weights: 32 of high bits, 64 of low bits, 12 of
// scales, an f16 d.
// Joined with repack.wgsl and repack_planes.wgsl; see q3_k.wgsl for what is
// written.

fn repack(start: u32, count: u32, output: u32) {
  for (var b = 0u; b < 8u; b++) {
    let pairs = pairs_at(start + 32u, b);
    quants[(output + b) * 2u] = pairs.x;
    quants[(output + b) * 2u + 1u] = pairs.y;
    high[output + b] = bits_at(start, b);
  }
  for (var w = 0u; w < 3u; w++) {
    scales[output / 2u + w] = word_at(start + 96u + w * 4u);
  }
  let d = byte_at(start + 108u) | (byte_at(start + 109u) << 8u);
  scales[output / 2u + 3u] = d;
}
