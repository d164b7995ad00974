// Superblocks of 256 weights whose parts stay as they are: QUANTS quads of
// quants from byte QUANTS_AT on, HEADER words of scales from byte HEADER_AT on,
// and where HAS_D is set, an f16 d at the start, which gets a word behind the
// scales.
// Joined with repack.wgsl.

override QUANTS: u32;
override QUANTS_AT: u32;
override HEADER: u32 = 0u;
override HEADER_AT: u32 = 0u;
override HAS_D: bool = true;

@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn repack(start: u32, count: u32, output: u32, part: u32) {
  let group = output / 8u;
  var reader = reader_at(start + QUANTS_AT);
  copy_quads(&reader, group * QUANTS, QUANTS);
  let words = group * (HEADER + u32(HAS_D));
  for (var w = 0u; w < HEADER; w++) {
    scales[words + w] = word_at(start + HEADER_AT + 4u * w);
  }
  if (HAS_D) {
    scales[words + HEADER] = half_at(start);
  }
}
