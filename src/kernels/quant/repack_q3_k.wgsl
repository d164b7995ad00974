// The file's 110 bytes for 256 weights: 32 of high bits, 64 of low bits, 12 of
// scales, an f16 d.
// Joined with repack.wgsl and repack_planes.wgsl; see q3_k.wgsl for what is
// written.

fn repack(start: u32, count: u32, output: u32) {
  let first_bits = quad_at(start);
  let last_bits = quad_at(start + 16u);
  for (var half = 0u; half < 2u; half++) {
    let first = quad_at(start + 32u + half * 32u);
    let last = quad_at(start + 48u + half * 32u);
    for (var b = 0u; b < 4u; b++) {
      let block = half * 4u + b;
      quants[(output + block) * 2u] = pairs_of(first, 2u * b);
      quants[(output + block) * 2u + 1u] = pairs_of(last, 2u * b);
      high[output + block] = bits_of(first_bits, last_bits, block);
    }
  }
  for (var w = 0u; w < 3u; w++) {
    scales[output / 2u + w] = word_at(start + 96u + w * 4u);
  }
  scales[output / 2u + 3u] = half_at(start + 108u);
}
