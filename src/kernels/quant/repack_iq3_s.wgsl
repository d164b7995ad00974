// The file's 110 bytes for 256 weights: an f16 d, 64 of numbers of points, 8 of
// high bits, 32 of signs, 4 of scales.
// Joined with repack.wgsl; see iq3_s.wgsl for what is written.

@group(0) @binding(3) var<storage, read_write> scales: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> high: array<vec4u>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  var reader = reader_at(start + 2u);
  copy_quads(&reader, output / 2u, 4u);
  let bits = read_quad(&reader);
  let a = read_quad(&reader);
  let b = read_quad(&reader);
  high[output / 4u] = vec4u(bits.zw, a.xy);
  high[output / 4u + 1u] = vec4u(a.zw, b.xy);
  scales[output / 8u] = vec4u(bits.xy, b.z, half_at(start));
}
