// The file's 84 bytes for 256 weights: 16 of scales, 64 of quants, f16 d and
// dmin. Joined with repack.wgsl and repack_planes.wgsl; see q2_k.wgsl for what
// is written.

fn repack(start: u32, count: u32, output: u32) {
  for (var b = 0u; b < 8u; b++) {
    let pairs = pairs_at(start + 16u, b);
    quants[(output + b) * 2u] = pairs.x;
    quants[(output + b) * 2u + 1u] = pairs.y;
  }
  let words = output / 8u * 5u;
  for (var w = 0u; w < 4u; w++) {
    scales[words + w] = word_at(start + w * 4u);
  }
  scales[words + 4u] = word_at(start + 80u);
}
