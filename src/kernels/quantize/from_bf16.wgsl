// Weights as upper halves of 32-bit floats; see exact.wgsl.

// [weights / 4]
@group(0) @binding(1) var<storage, read> source: array<vec2u>;

// The bits of weights 4 * i to 4 * i + 3 as 32-bit floats.
fn quad(i: u32) -> vec4u {
  let v = source[i];
  return vec4u(
    v.x << 16u,
    v.x & 0xffff0000u,
    v.y << 16u,
    v.y & 0xffff0000u,
  );
}
