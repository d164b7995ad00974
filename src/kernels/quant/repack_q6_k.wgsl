// The file's 210 bytes for 256 weights: 128 of low nibbles, 64 of high bits, 16
// of scales, an f16 d. Each half of 128 weights, a part, has its own half of the
// first two. Within it, weights 32k to 32k + 31 are the low (k < 2) or high
// nibbles of bytes 32 (k & 1) and on.
// Joined with repack.wgsl and repack_planes.wgsl; see q6_k.wgsl for what is
// written.

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> high: array<vec4u>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  let block = output + part * 4u;
  var reader = reader_at(start + part * 64u);
  write_nibbles(&reader, block, block + 2u);
  write_nibbles(&reader, block + 1u, block + 3u);
  reader = reader_at(start + 128u + part * 32u);
  let first = read_quad(&reader);
  let last = read_quad(&reader);
  high[block / 2u] = two_pairs_of(first, last, 0u);
  high[block / 2u + 1u] = two_pairs_of(first, last, 4u);
  if (part == 0u) {
    return;
  }
  // The last part's high bits end where these begin.
  let words = output / 8u * 5u;
  let s = read_quad(&reader);
  scales[words] = s.x;
  scales[words + 1u] = s.y;
  scales[words + 2u] = s.z;
  scales[words + 3u] = s.w;
  scales[words + 4u] = half_at(start + 208u);
}
