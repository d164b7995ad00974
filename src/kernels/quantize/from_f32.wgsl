// Weights as 32-bit floats; see exact.wgsl.

// [weights / 4]
@group(0) @binding(1) var<storage, read> source: array<vec4u>;

// The bits of weights 4 * i to 4 * i + 3 as 32-bit floats.
fn quad(i: u32) -> vec4u {
  return source[i];
}
