// Weights as 16-bit floats; see exact.wgsl.

// [weights / 4]
@group(0) @binding(1) var<storage, read> source: array<vec2u>;

// The bits of weights 4 * i to 4 * i + 3 as 32-bit floats.
fn quad(i: u32) -> vec4u {
  let v = source[i];
  return vec4u(
    widen(v.x & 0xffffu),
    widen(v.x >> 16u),
    widen(v.y & 0xffffu),
    widen(v.y >> 16u),
  );
}

// Integers alone, so that NaN stays NaN.
fn widen(half: u32) -> u32 {
  let sign = (half & 0x8000u) << 16u;
  let size = half & 0x7fffu;
  if (size >= 0x7c00u) {
    return sign | 0x7f800000u | (size & 0x3ffu);
  }
  if (size >= 0x400u) {
    return sign | ((size << 13u) + 0x38000000u);
  }
  return sign | bitcast<u32>(f32(size) * 0x1p-24);
}
