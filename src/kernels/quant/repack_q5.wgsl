// The file's blocks of HEADER bytes of scales (2 or 4), 4 of high bits and 16
// of nibbles, which stay as they are: the header of 4 / HEADER blocks makes a
// word of scales. In the file bit i of the high bits is that of weight i; here
// bit k + 8 * b is that of weight 4 * k + b. Joined with repack.wgsl; see
// q5_0.wgsl and q5_1.wgsl for what is written.

override HEADER: u32;

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> high: array<u32>;

fn header_at(byte: u32) -> u32 {
  if (HEADER == 2u) {
    return half_at(byte);
  }
  return word_at(byte);
}

fn spread(bits: u32) -> u32 {
  // Each product has bit i of its four at bit 8 * i, among others.
  let k = vec4u(0u, 1u, 2u, 3u);
  let first = (vec4u(bits) >> (4u * k)) & vec4u(15u);
  let last = (vec4u(bits) >> (4u * k + 16u)) & vec4u(15u);
  let ones = vec4u(0x01010101u);
  let p = ((first * 0x00204081u) & ones) << k;
  let q = ((last * 0x00204081u) & ones) << (k + 4u);
  let both = p | q;
  return both.x | both.y | both.z | both.w;
}

fn repack(start: u32, count: u32, output: u32, part: u32) {
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let block = start + b * (HEADER + 20u);
    headers |= header_at(block) << (8u * b * HEADER);
    let file_bits = word_at(block + HEADER);
    high[output + b] = spread(file_bits);
    quants[output + b] = quad_at(block + HEADER + 4u);
  }
  scales[output * HEADER / 4u] = headers;
}
