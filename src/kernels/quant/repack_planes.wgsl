// How superblocks of 256 weights hold their bits in a file, as blocks of 32
// want them. Joined between repack.wgsl and a repack_*.wgsl that takes
// superblocks; `byte` is where the superblock's plane begins, and `block` is
// 0..7.

// Puts a block's nibbles together: byte j holds weight j in its low and weight
// j + 16 in its high nibble. In the file the nibbles of 32 weights lie in 32
// bytes, from bit `shift` on.
fn write_nibbles(byte: u32, shift: u32, output: u32) {
  for (var w = 0u; w < 4u; w++) {
    let p = (word_at(byte + w * 4u) >> shift) & 0x0f0f0f0fu;
    let q = (word_at(byte + 16u + w * 4u) >> shift) & 0x0f0f0f0fu;
    quants[output * 4u + w] = p | (q << 4u);
  }
}

// Two bits a weight, for the block's first and last 16: byte j holds those of
// weights j, j + 4, j + 8 and j + 12 from its lowest bit on. In the file byte j
// of each half holds those of weight j of four blocks.
fn pairs_at(byte: u32, block: u32) -> vec2u {
  let start = byte + (block >> 2u) * 32u;
  let shift = (block & 3u) * 2u;
  var pairs = vec2u(0u);
  for (var w = 0u; w < 4u; w++) {
    let p = (word_at(start + w * 4u) >> shift) & 0x03030303u;
    let q = (word_at(start + 16u + w * 4u) >> shift) & 0x03030303u;
    pairs |= vec2u(p, q) << vec2u(w * 2u);
  }
  return pairs;
}

// One bit a weight: bit k + 8 * b is that of weight 4 * k + b. In the file byte
// j holds those of weight j of eight blocks.
fn bits_at(byte: u32, block: u32) -> u32 {
  var bits = 0u;
  for (var w = 0u; w < 8u; w++) {
    bits |= ((word_at(byte + w * 4u) >> block) & 0x01010101u) << w;
  }
  return bits;
}
