// Q3_K: w[i] = d * (s - 32) * (q[i] - 4), 256 q of three bits, six bits of s
// for each 16 of them and one f16 d.
//
//   quants [blocks]     vec2u, the low two bits of q[0..15] and q[16..31]: byte
//                       j holds those of q[j], q[j + 4], q[j + 8] and q[j + 12]
//                       from its lowest bit on
//   high   [blocks]     u32, the highest bit: bit k + 8b is that of q[4k + b]
//   scales [blocks / 8] vec4u: the 16 s of eight blocks in 12 bytes, and d.
//                       Byte i % 8 holds the low four bits of s[i], in its low
//                       nibble for i < 8; byte 8 + i % 4 holds the high two
//                       bits, from bit 2 * (i / 4) on

const HAS_OFFSET = true;
const ONE_SCALE = false;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<vec4u>;
@group(0) @binding(8) var<storage, read> high: array<u32>;

// d * (s - 32) of the first and the last 16 weights of a block, 0..7.
fn scales_of(header: vec4u, block: u32) -> vec2f {
  let shift = (block & 1u) * 16u;
  let low = select(header.x, header.y, (block & 2u) != 0u) >>
    (shift + (block >> 2u) * 4u);
  let top = header.z >> (shift + (block >> 1u) * 2u);
  let pair = (low & 0x0f0fu) | ((top & 0x0303u) << 4u);
  let s = vec2f(vec2u(pair & 0xffu, pair >> 8u)) - vec2f(32.0);
  return unpack2x16float(header.w).x * s;
}

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let bits = high[index];
  let s = scales_of(scales[index >> 3u], index & 7u);
  return Quants(
    ((vec4u(q.x) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u)) |
      ((vec4u(bits << 2u) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(0x04040404u)),
    ((vec4u(q.y) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u)) |
      ((vec4u(bits) >> vec4u(2u, 3u, 4u, 5u)) & vec4u(0x04040404u)),
    s,
    4.0 * s,
  );
}
