// The file's 210 bytes for 256 weights: 128 of low nibbles, 64 of high bits, 16
// of scales, an f16 d. Each half of 128 weights has its own part of the first
// two. Within a half, weights 32k to 32k + 31 are the low (k < 2) or high
// nibbles of bytes 32 (k & 1) and on.
// Joined with repack.wgsl and repack_planes.wgsl; see q6_k.wgsl for what is
// written.

fn repack(start: u32, count: u32, output: u32) {
  for (var half = 0u; half < 2u; half++) {
    let low = start + half * 64u;
    let first_block = output + half * 4u;
    write_nibbles(low, first_block, first_block + 2u);
    write_nibbles(low + 32u, first_block + 1u, first_block + 3u);
    let first = quad_at(start + 128u + half * 32u);
    let last = quad_at(start + 144u + half * 32u);
    for (var b = 0u; b < 4u; b++) {
      high[(first_block + b) * 2u] = pairs_of(first, 2u * b);
      high[(first_block + b) * 2u + 1u] = pairs_of(last, 2u * b);
    }
  }
  let words = output / 8u * 5u;
  let s = quad_at(start + 192u);
  scales[words] = s.x;
  scales[words + 1u] = s.y;
  scales[words + 2u] = s.z;
  scales[words + 3u] = s.w;
  scales[words + 4u] = half_at(start + 208u);
}
