// The file's 66 bytes for 256 weights: 64 of quants and an f16 d. Two
// superblocks share a word of scales. Joined with repack.wgsl and
// repack_planes.wgsl; see ternary.wgsl for what is written.

fn repack(start: u32, count: u32, output: u32) {
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let superblock = start + (b >> 3u) * 66u;
    let pairs = pairs_at(superblock, b & 7u);
    quants[(output + b) * 2u] = pairs.x;
    quants[(output + b) * 2u + 1u] = pairs.y;
    let d = byte_at(superblock + 64u) | (byte_at(superblock + 65u) << 8u);
    headers |= d << ((b >> 3u) * 16u);
  }
  scales[output / 16u] = headers;
}
