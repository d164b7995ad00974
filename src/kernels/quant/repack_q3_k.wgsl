// The file's 110 bytes for 256 weights: 32 of high bits, 64 of low bits, 12 of
// scales, an f16 d.
// Joined with repack.wgsl and repack_planes.wgsl; see q3_k.wgsl for what is
// written.

@group(0) @binding(3) var<storage, read_write> scales: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> high: array<vec4u>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  var reader = reader_at(start);
  let first_bits = read_quad(&reader);
  let last_bits = read_quad(&reader);
  for (var half = 0u; half < 2u; half++) {
    write_pairs(&reader, output / 2u + half * 2u);
    let b = half * 4u;
    high[output / 4u + half] = vec4u(
      bits_of(first_bits, last_bits, b),
      bits_of(first_bits, last_bits, b + 1u),
      bits_of(first_bits, last_bits, b + 2u),
      bits_of(first_bits, last_bits, b + 3u),
    );
  }
  let s = read_quad(&reader);
  scales[output / 8u] = vec4u(s.xyz, s.w & 0xffffu);
}
