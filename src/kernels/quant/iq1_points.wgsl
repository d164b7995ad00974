// The points of IQ1's grid: eight weights g of -1, 0 or 1, each as the nibble
// 4 (g + 1), so that a point is one word, and one mask makes it four weights a
// word. Byte j holds g[j] in its low and g[j + 4] in its high nibble. The low
// two bits of a nibble are free, for IQ1_M's deltas.
// Joined before a codec.

@group(0) @binding(9) var<storage, read> table: array<u32>;

// Four points by the low eight bits of their numbers, a byte each, and the high
// three, the lowest bits of each component.
fn points(low: u32, high: vec4u) -> vec4u {
  let i = unpack4xU8(low) | ((high & vec4u(7u)) << vec4u(8u));
  return vec4u(table[i.x], table[i.y], table[i.z], table[i.w]);
}

// The 16 nibbles of two points, in order.
fn nibbles(pair: vec2u) -> vec4u {
  return (pair.xxyy >> vec4u(0u, 4u, 0u, 4u)) & vec4u(0x0f0f0f0fu);
}
