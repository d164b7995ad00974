// The file's 84 bytes for 256 weights: 16 of scales, 64 of quants, f16 d and
// dmin. Joined with repack.wgsl and repack_planes.wgsl; see q2_k.wgsl for what
// is written.

fn repack(start: u32, count: u32, output: u32) {
  for (var half = 0u; half < 2u; half++) {
    let first = quad_at(start + 16u + half * 32u);
    let last = quad_at(start + 32u + half * 32u);
    let word = (output + half * 4u) * 2u;
    for (var b = 0u; b < 4u; b++) {
      quants[word + 2u * b] = pairs_of(first, 2u * b);
      quants[word + 2u * b + 1u] = pairs_of(last, 2u * b);
    }
  }
  let words = output / 8u * 5u;
  for (var w = 0u; w < 4u; w++) {
    scales[words + w] = word_at(start + w * 4u);
  }
  scales[words + 4u] = word_at(start + 80u);
}
