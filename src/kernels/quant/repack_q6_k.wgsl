// The file's 210 bytes for 256 weights: 128 of low nibbles, 64 of high bits, 16
// of scales, an f16 d. Each half of 128 weights has its own part of the first
// three. Within a half, weights 32k to 32k + 31 are the low (k < 2) or high
// nibbles of bytes 32 (k & 1) and on, and bits 2k of the high bits.
// Joined with repack.wgsl; see q6_k.wgsl for what is written.

fn repack(start: u32, count: u32, output: u32) {
  for (var b = 0u; b < 8u; b++) {
    let half = b >> 2u;
    let k = b & 3u;
    let low = start + half * 64u + (k & 1u) * 32u;
    let bits = start + 128u + half * 32u;
    let nibble = (k >> 1u) * 4u;
    var planes = vec2u(0u);
    for (var w = 0u; w < 4u; w++) {
      // Weights 4w and on of the block's first 16, and of its last 16.
      let p = (word_at(low + w * 4u) >> nibble) & 0x0f0f0f0fu;
      let q = (word_at(low + 16u + w * 4u) >> nibble) & 0x0f0f0f0fu;
      quants[(output + b) * 4u + w] = p | (q << 4u);
      let r = (word_at(bits + w * 4u) >> (2u * k)) & 0x03030303u;
      let s = (word_at(bits + 16u + w * 4u) >> (2u * k)) & 0x03030303u;
      planes |= vec2u(r, s) << vec2u(2u * w);
    }
    high[(output + b) * 2u] = planes.x;
    high[(output + b) * 2u + 1u] = planes.y;
  }
  let words = output / 8u * 5u;
  for (var w = 0u; w < 4u; w++) {
    scales[words + w] = word_at(start + 192u + w * 4u);
  }
  scales[words + 4u] = byte_at(start + 208u) | (byte_at(start + 209u) << 8u);
}
