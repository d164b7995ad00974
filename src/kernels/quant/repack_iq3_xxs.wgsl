// The file's 98 bytes for 256 weights: an f16 d, 64 of numbers of points, 32 of
// signs and scales.
// Joined with repack.wgsl; see iq3_xxs.wgsl for what is written.

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> high: array<vec4u>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  var reader = reader_at(start + 2u);
  copy_quads(&reader, output / 2u, 4u);
  high[output / 4u] = read_quad(&reader);
  high[output / 4u + 1u] = read_quad(&reader);
  scales[output / 8u] = half_at(start);
}
