// Blocks of HEADER bytes of scales (1, 2 or 4) and PAYLOAD words of quants, which
// stay as they are: the header of 4 / HEADER blocks makes a word of scales.
// Joined with repack.wgsl.

override HEADER: u32;
override PAYLOAD: u32;

fn repack(start: u32, count: u32, output: u32) {
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let block = start + b * (HEADER + 4u * PAYLOAD);
    for (var i = 0u; i < HEADER; i++) {
      headers |= byte_at(block + i) << (8u * (b * HEADER + i));
    }
    for (var w = 0u; w < PAYLOAD; w++) {
      quants[(output + b) * PAYLOAD + w] = word_at(block + HEADER + 4u * w);
    }
  }
  scales[output * HEADER / 4u] = headers;
}
