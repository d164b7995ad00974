// The header of a superblock of Q4_K or Q5_K: f16 d and dmin, then 12 bytes
// with six bits of scale s and six of minimum m for each of its eight blocks,
//
//   bytes 0..3    s of blocks 0..3, and the high two bits of s of blocks 4..7
//   bytes 4..7    m, likewise
//   bytes 8..11   the low four bits of s, and those of m, of blocks 4..7

// d * s and dmin * m of a block, 0..7.
fn scale_min(header: vec4u, block: u32) -> vec2f {
  let bytes = header.yzw >> vec3u((block & 3u) * 8u);
  let first = bytes.xy & vec2u(0x3fu);
  let last = (vec2u(bytes.z, bytes.z >> 4u) & vec2u(0x0fu)) |
    ((bytes.xy >> vec2u(2u)) & vec2u(0x30u));
  let s = vec2f(select(first, last, block > 3u));
  return unpack2x16float(header.x) * s;
}
