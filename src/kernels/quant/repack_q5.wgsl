// The file's blocks of HEADER bytes of scales (2 or 4), 4 of high bits and 16
// of nibbles, which stay as they are: the header of 4 / HEADER blocks makes a
// word of scales. In the file bit i of the high bits is that of weight i; here
// bit k + 8 * b is that of weight 4 * k + b. Joined with repack.wgsl; see
// q5_0.wgsl and q5_1.wgsl for what is written.

override HEADER: u32;

fn repack(start: u32, count: u32, output: u32) {
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let block = start + b * (HEADER + 20u);
    for (var i = 0u; i < HEADER; i++) {
      headers |= byte_at(block + i) << (8u * (b * HEADER + i));
    }
    let file_bits = word_at(block + HEADER);
    var bits = 0u;
    for (var k = 0u; k < 8u; k++) {
      // The product has bit i of the four at bit 8 * i, among others.
      let four = (file_bits >> (4u * k)) & 15u;
      bits |= ((four * 0x00204081u) & 0x01010101u) << k;
    }
    high[output + b] = bits;
    for (var w = 0u; w < 4u; w++) {
      quants[(output + b) * 4u + w] = word_at(block + HEADER + 4u + 4u * w);
    }
  }
  scales[output * HEADER / 4u] = headers;
}
