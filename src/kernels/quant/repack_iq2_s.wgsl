// The file's 82 bytes for 256 weights: an f16 d, 32 of numbers of points, 32 of
// signs, 8 of high bits, 8 of scales.
// Joined with repack.wgsl; see iq2_s.wgsl for what is written.

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  var reader = reader_at(start + 2u);
  let p = read_quad(&reader);
  let q = read_quad(&reader);
  let p_signs = read_quad(&reader);
  let q_signs = read_quad(&reader);
  let quad = output / 2u;
  quants[quad] = vec4u(p.x, p_signs.x, p.y, p_signs.y);
  quants[quad + 1u] = vec4u(p.z, p_signs.z, p.w, p_signs.w);
  quants[quad + 2u] = vec4u(q.x, q_signs.x, q.y, q_signs.y);
  quants[quad + 3u] = vec4u(q.z, q_signs.z, q.w, q_signs.w);
  // The high bits of two blocks and their scales, in turns.
  let bytes = read_quad(&reader);
  let words = output / 8u * 5u;
  scales[words] = in_turns(bytes.x, bytes.z);
  scales[words + 1u] = in_turns(bytes.x >> 16u, bytes.z >> 16u);
  scales[words + 2u] = in_turns(bytes.y, bytes.w);
  scales[words + 3u] = in_turns(bytes.y >> 16u, bytes.w >> 16u);
  scales[words + 4u] = half_at(start);
}

// The low two bytes of both: the first of `a`, that of `b`, and the second ones.
fn in_turns(a: u32, b: u32) -> u32 {
  return (a & 0xffu) | ((b & 0xffu) << 8u) | ((a & 0xff00u) << 8u) |
    ((b & 0xff00u) << 16u);
}
