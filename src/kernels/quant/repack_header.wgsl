// Blocks of HEADER bytes of scales (1, 2 or 4) and PAYLOAD quads of quants (1 or
// 2), which stay as they are: the header of 4 / HEADER blocks makes a word of
// scales. Joined with repack.wgsl.

override HEADER: u32;
override PAYLOAD: u32;

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  if (HEADER == 2u) {
    repack_pair(start, count, output);
    return;
  }
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let block = start + b * (HEADER + 16u * PAYLOAD);
    var header = word_at(block);
    if (HEADER == 1u) {
      header &= 0xffu;
    }
    headers |= header << (8u * b * HEADER);
    var reader = reader_at(block + HEADER);
    copy_quads(&reader, (output + b) * PAYLOAD, PAYLOAD);
  }
  scales[output * HEADER / 4u] = headers;
}

// Two blocks are whole words. The first one's quants begin in the middle of a
// word, the second one's at the start of one.
fn repack_pair(start: u32, count: u32, output: u32) {
  let to = output * PAYLOAD;
  var reader = reader_at(start);
  let a = read_quad(&reader);
  var next = read_quad(&reader);
  quants[to] = from_middle(a, next.x);
  if (PAYLOAD == 2u) {
    let b = next;
    next = read_quad(&reader);
    quants[to + 1u] = from_middle(b, next.x);
  }
  let last = select(0u, next.x & 0xffff0000u, count == 2u);
  scales[output >> 1u] = (a.x & 0xffffu) | last;
  if (count < 2u) {
    return;
  }
  if (PAYLOAD == 2u) {
    let d = read_quad(&reader);
    quants[to + 2u] = vec4u(next.yzw, d.x);
    quants[to + 3u] = vec4u(d.yzw, next_word(reader));
  } else {
    quants[to + 1u] = vec4u(next.yzw, next_word(reader));
  }
}

fn from_middle(words: vec4u, next: u32) -> vec4u {
  return (words >> vec4u(16u)) | (vec4u(words.yzw, next) << vec4u(16u));
}
