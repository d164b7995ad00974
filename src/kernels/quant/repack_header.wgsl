// Blocks of HEADER bytes of scales (1, 2 or 4) and PAYLOAD words of quants (4 or
// 8), which stay as they are: the header of 4 / HEADER blocks makes a word of
// scales. Joined with repack.wgsl.

override HEADER: u32;
override PAYLOAD: u32;

fn repack(start: u32, count: u32, output: u32) {
  if (HEADER == 2u) {
    repack_pair(start, count, output);
    return;
  }
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let block = start + b * (HEADER + 4u * PAYLOAD);
    var header = word_at(block);
    if (HEADER == 1u) {
      header &= 0xffu;
    }
    headers |= header << (8u * b * HEADER);
    write_quad((output + b) * PAYLOAD, quad_at(block + HEADER));
    if (PAYLOAD > 4u) {
      write_quad((output + b) * PAYLOAD + 4u, quad_at(block + HEADER + 16u));
    }
  }
  scales[output * HEADER / 4u] = headers;
}

// Two blocks are whole words: each is loaded once. The first one's quants begin
// in the middle of a word, the second one's at the start of one.
fn repack_pair(start: u32, count: u32, output: u32) {
  let i = start >> 2u;
  let to = output * PAYLOAD;
  var a = words(i);
  var next = words(i + 4u);
  write_quad(to, from_middle(a, next.x));
  if (PAYLOAD > 4u) {
    let b = next;
    next = words(i + 8u);
    write_quad(to + 4u, from_middle(b, next.x));
  }
  let last = select(0u, next.x & 0xffff0000u, count == 2u);
  scales[output >> 1u] = (a.x & 0xffffu) | last;
  if (count < 2u) {
    return;
  }
  if (PAYLOAD > 4u) {
    let d = words(i + 12u);
    write_quad(to + 8u, vec4u(next.yzw, d.x));
    write_quad(to + 12u, vec4u(d.yzw, source[i + 16u]));
  } else {
    write_quad(to + 4u, vec4u(next.yzw, source[i + 8u]));
  }
}

fn words(i: u32) -> vec4u {
  return vec4u(source[i], source[i + 1u], source[i + 2u], source[i + 3u]);
}

fn from_middle(words: vec4u, next: u32) -> vec4u {
  return (words >> vec4u(16u)) | (vec4u(words.yzw, next) << vec4u(16u));
}
