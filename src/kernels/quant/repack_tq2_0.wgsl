// The file's 66 bytes for 256 weights: 64 of quants and an f16 d. Two
// superblocks share a word of scales. Joined with repack.wgsl and
// repack_planes.wgsl; see ternary.wgsl for what is written.

fn repack(start: u32, count: u32, output: u32) {
  var headers = 0u;
  for (var half = 0u; half < count / 4u; half++) {
    let superblock = start + (half >> 1u) * 66u;
    let bytes = superblock + (half & 1u) * 32u;
    let first = quad_at(bytes);
    let last = quad_at(bytes + 16u);
    let word = (output + half * 4u) * 2u;
    for (var b = 0u; b < 4u; b++) {
      quants[word + 2u * b] = pairs_of(first, 2u * b);
      quants[word + 2u * b + 1u] = pairs_of(last, 2u * b);
    }
    headers |= (half_at(superblock + 64u) << ((half >> 1u) * 16u));
  }
  scales[output / 16u] = headers;
}
