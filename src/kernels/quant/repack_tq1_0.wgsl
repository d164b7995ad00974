// The file's 54 bytes for 256 weights: 52 of digits and an f16 d. A byte is the
// fraction 0.abcde of base 3 in 256ths; bytes 0..31 hold weights 0..159, first
// the first digit of each, then the second and so on, bytes 32..47 weights
// 160..239, and bytes 48..51, of four digits, the rest. Two superblocks share a
// word of scales.
// Joined with repack.wgsl; see ternary.wgsl for what is written.

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

// What is left of 16 fractions: those of bytes 0 and 2 of each word, and of the
// others.
struct Fractions {
  even: vec4u,
  odd: vec4u,
}

const BYTES = vec4u(0x00ff00ffu);

fn fractions_of(bytes: vec4u) -> Fractions {
  return Fractions(bytes & BYTES, (bytes >> vec4u(8u)) & BYTES);
}

// The next digit of each: byte j holds those of bytes j, j + 4, j + 8 and j + 12
// from its lowest bit on. Multiplied by 3, a fraction has it before the point.
fn next_digits(fractions: ptr<function, Fractions>) -> u32 {
  let even = (*fractions).even * 3u;
  let odd = (*fractions).odd * 3u;
  *fractions = Fractions(even & BYTES, odd & BYTES);
  let digits = ((even >> vec4u(8u)) & vec4u(0x00030003u)) |
    (odd & vec4u(0x03000300u));
  return digits.x | (digits.y << 2u) | (digits.z << 4u) | (digits.w << 6u);
}

fn write_superblock(start: u32, quad: u32) {
  var reader = reader_at(start);
  var p = fractions_of(read_quad(&reader));
  var q = fractions_of(read_quad(&reader));
  var both = vec2u(0u);
  for (var b = 0u; b < 5u; b++) {
    let first = both;
    both = vec2u(next_digits(&p), next_digits(&q));
    if ((b & 1u) == 1u) {
      quants[quad + b / 2u] = vec4u(first, both);
    }
  }
  var r = fractions_of(read_quad(&reader));
  let a = next_digits(&r);
  let b = next_digits(&r);
  let c = next_digits(&r);
  let d = next_digits(&r);
  let e = next_digits(&r);
  quants[quad + 2u] = vec4u(both, a, b);
  // The four digits of the last four bytes, each in an element.
  var rest = fractions_of(vec4u(word_at(start + 48u)));
  let powers = vec4u(1u, 3u, 9u, 27u);
  rest = Fractions((rest.even * powers) & BYTES, (rest.odd * powers) & BYTES);
  quants[quad + 3u] = vec4u(c, d, e, next_digits(&rest));
}

fn repack(start: u32, count: u32, output: u32, part: u32) {
  var headers = 0u;
  for (var i = 0u; i < count / 8u; i++) {
    let superblock = start + i * 54u;
    write_superblock(superblock, output / 2u + i * 4u);
    headers |= half_at(superblock + 52u) << (i * 16u);
  }
  scales[output / 16u] = headers;
}
