// Weights that are nibbles in a file and whole numbers in a table:
//
//   table [256] u32: entry b has the number of b's low nibble in its lowest
//               byte and that of its high nibble in its third
//
// A lookup a byte, and not one a nibble, is half as many.

@group(0) @binding(9) var<storage, read> table: array<u32>;

// Entries of two bytes of each word, put together: words of four numbers.
struct Numbers {
  low: vec4u,
  high: vec4u,
}

fn entries(q: vec4u, shift: u32) -> vec4u {
  let byte = (q >> vec4u(shift)) & vec4u(0xffu);
  return vec4u(table[byte.x], table[byte.y], table[byte.z], table[byte.w]);
}

// The numbers of 32 nibbles, those of the low ones first.
fn look_up(q: vec4u) -> Numbers {
  let front = entries(q, 0u) | (entries(q, 8u) << vec4u(8u));
  let back = entries(q, 16u) | (entries(q, 24u) << vec4u(8u));
  return Numbers(
    (front & vec4u(0xffffu)) | (back << vec4u(16u)),
    (front >> vec4u(16u)) | (back & vec4u(0xffff0000u)),
  );
}
