// The file's 66 bytes for 256 weights: 64 of quants and an f16 d. Two
// superblocks share a word of scales. Joined with repack.wgsl and
// repack_planes.wgsl; see ternary.wgsl for what is written.

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  var headers = 0u;
  for (var half = 0u; half < count / 4u; half++) {
    let superblock = start + (half >> 1u) * 66u;
    var reader = reader_at(superblock + (half & 1u) * 32u);
    write_pairs(&reader, output / 2u + half * 2u);
    headers |= (half_at(superblock + 64u) << ((half >> 1u) * 16u));
  }
  scales[output / 16u] = headers;
}
