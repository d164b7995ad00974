// The file's 84 bytes for 256 weights: 16 of scales, 64 of quants, f16 d and
// dmin. Joined with repack.wgsl and repack_planes.wgsl; see q2_k.wgsl for what
// is written.

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  let words = output / 8u * 5u;
  var reader = reader_at(start);
  let s = read_quad(&reader);
  scales[words] = s.x;
  scales[words + 1u] = s.y;
  scales[words + 2u] = s.z;
  scales[words + 3u] = s.w;
  for (var half = 0u; half < 2u; half++) {
    write_pairs(&reader, output / 2u + half * 2u);
  }
  scales[words + 4u] = next_word(reader);
}
