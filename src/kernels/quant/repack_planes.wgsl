// How superblocks of 256 weights hold their bits in a file, as blocks of 32
// want them. Joined between repack.wgsl and a repack_*.wgsl that takes
// superblocks.

// Puts the nibbles of two blocks together: byte j holds weight j in its low and
// weight j + 16 in its high nibble. In the file byte j of 32 holds weight j of
// one block in its low, and of the other in its high nibble.
fn write_nibbles(reader: ptr<function, Reader>, low_block: u32, high_block: u32) {
  let p = read_quad(reader);
  let q = read_quad(reader);
  let low = vec4u(0x0f0f0f0fu);
  quants[low_block] = (p & low) | ((q & low) << vec4u(4u));
  quants[high_block] = ((p >> vec4u(4u)) & low) | (q & ~low);
}

// Two bits a weight, for the first 16 of a block, or its last: byte j holds those
// of weights j, j + 4, j + 8 and j + 12 from its lowest bit on. In the file byte
// j of 16 holds those of weight j of four blocks, of which the one is wanted
// that stands from bit `shift` on.
fn pairs_of(bytes: vec4u, shift: u32) -> u32 {
  let p = (bytes >> vec4u(shift)) & vec4u(0x03030303u);
  return p.x | (p.y << 2u) | (p.z << 4u) | (p.w << 6u);
}

// The same of two blocks, whole: `first` and `last` are 16 bytes each.
fn two_pairs_of(first: vec4u, last: vec4u, shift: u32) -> vec4u {
  return vec4u(
    pairs_of(first, shift),
    pairs_of(last, shift),
    pairs_of(first, shift + 2u),
    pairs_of(last, shift + 2u),
  );
}

// The two bits a weight of four blocks, from element `quad` on.
fn write_pairs(reader: ptr<function, Reader>, quad: u32) {
  let first = read_quad(reader);
  let last = read_quad(reader);
  quants[quad] = two_pairs_of(first, last, 0u);
  quants[quad + 1u] = two_pairs_of(first, last, 4u);
}

// One bit a weight: bit k + 8 * b is that of weight 4 * k + b. In the file byte
// j of 32 holds those of weight j of eight blocks.
fn bits_of(first: vec4u, last: vec4u, block: u32) -> u32 {
  let p = (first >> vec4u(block)) & vec4u(0x01010101u);
  let q = (last >> vec4u(block)) & vec4u(0x01010101u);
  return p.x | (p.y << 1u) | (p.z << 2u) | (p.w << 3u) | (q.x << 4u) |
    (q.y << 5u) | (q.z << 6u) | (q.w << 7u);
}
