// The file's 144 bytes for 256 weights: 16 of header, 128 of nibbles. Weights
// 64k to 64k + 31 are the low nibbles of bytes 32k and on, the next 32 the
// high: those are part k, with a word of the header. Joined with repack.wgsl and
// repack_planes.wgsl; see q4_k.wgsl for what is written.

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  let block = output + 2u * part;
  var reader = reader_at(start + 16u + part * 32u);
  write_nibbles(&reader, block, block + 1u);
  scales[output / 2u + part] = word_at(start + part * 4u);
}
