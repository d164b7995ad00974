// Blocks of HEADER bytes of scales (1, 2 or 4) and PAYLOAD words of quants (4 or
// 8), which stay as they are: the header of 4 / HEADER blocks makes a word of
// scales. Joined with repack.wgsl.

override HEADER: u32;
override PAYLOAD: u32;

fn header_at(byte: u32) -> u32 {
  if (HEADER == 1u) {
    return byte_at(byte);
  }
  if (HEADER == 2u) {
    return half_at(byte);
  }
  return word_at(byte);
}

fn repack(start: u32, count: u32, output: u32) {
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let block = start + b * (HEADER + 4u * PAYLOAD);
    headers |= header_at(block) << (8u * b * HEADER);
    write_quad((output + b) * PAYLOAD, quad_at(block + HEADER));
    if (PAYLOAD > 4u) {
      write_quad((output + b) * PAYLOAD + 4u, quad_at(block + HEADER + 16u));
    }
  }
  scales[output * HEADER / 4u] = headers;
}
