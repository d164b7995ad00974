// The file's 54 bytes for 256 weights: 52 of digits and an f16 d. A byte is the
// fraction 0.abcde of base 3 in 256ths; bytes 0..31 hold weights 0..159, first
// the first digit of each, then the second and so on, bytes 32..47 weights
// 160..239, and bytes 48..51, of four digits, the rest. Two superblocks share a
// word of scales.
// Joined with repack.wgsl; see ternary.wgsl for what is written.

// A digit of each of four bytes, the one behind `skipped` others: what is left
// of the fraction is multiplied by 3 until the digit stands before the point.
fn digits(bytes: u32, skipped: u32) -> u32 {
  var even = bytes & 0x00ff00ffu;
  var odd = (bytes >> 8u) & 0x00ff00ffu;
  for (var i = 0u; i < skipped; i++) {
    even = (even * 3u) & 0x00ff00ffu;
    odd = (odd * 3u) & 0x00ff00ffu;
  }
  return (((even * 3u) >> 8u) & 0x00030003u) | ((odd * 3u) & 0x03000300u);
}

// Four weights from `i` on, a multiple of four.
fn four_at(start: u32, i: u32) -> u32 {
  if (i < 160u) {
    return digits(word_at(start + (i & 31u)), i >> 5u);
  }
  if (i < 240u) {
    return digits(word_at(start + 32u + (i & 15u)), (i - 160u) >> 4u);
  }
  return digits(word_at(start + 48u), (i - 240u) >> 2u);
}

fn repack(start: u32, count: u32, output: u32) {
  var headers = 0u;
  for (var b = 0u; b < count; b++) {
    let superblock = start + (b >> 3u) * 54u;
    var planes = vec2u(0u);
    for (var w = 0u; w < 4u; w++) {
      let i = (b & 7u) * 32u + w * 4u;
      let fours = vec2u(four_at(superblock, i), four_at(superblock, i + 16u));
      planes |= fours << vec2u(2u * w);
    }
    quants[(output + b) * 2u] = planes.x;
    quants[(output + b) * 2u + 1u] = planes.y;
    let d = byte_at(superblock + 52u) | (byte_at(superblock + 53u) << 8u);
    headers |= d << ((b >> 3u) * 16u);
  }
  scales[output / 16u] = headers;
}
