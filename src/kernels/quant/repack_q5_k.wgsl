// The file's 176 bytes for 256 weights: 16 of header, 32 of high bits, 128 of
// nibbles. Weights 64k to 64k + 31 are the low nibbles of bytes 32k and on, the
// next 32 the high. A part is half of the weights, and of the header.
// Joined with repack.wgsl and repack_planes.wgsl; see q5_k.wgsl for what is
// written.

@group(0) @binding(3) var<storage, read_write> scales: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> high: array<vec4u>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  let b = 4u * part;
  let block = output + b;
  var reader = reader_at(start + 16u);
  let first = read_quad(&reader);
  let last = read_quad(&reader);
  high[block / 4u] = vec4u(
    bits_of(first, last, b),
    bits_of(first, last, b + 1u),
    bits_of(first, last, b + 2u),
    bits_of(first, last, b + 3u),
  );
  reader = reader_at(start + 48u + part * 64u);
  write_nibbles(&reader, block, block + 1u);
  write_nibbles(&reader, block + 2u, block + 3u);
  let header = start + part * 8u;
  scales[block / 4u] = vec2u(word_at(header), word_at(header + 4u));
}
