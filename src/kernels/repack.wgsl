// Takes the file's blocks of weights apart into the planes of a codec:
//
//   source [..]  bytes, as in the file, blocks back to back at any byte
//   quants [..]  vec4u, the first plane; see the codec's WGSL
//
// PARTS invocations share the GROUP blocks of 32 that share words of scales, or
// the file's own block of more: GROUP_BYTES.
// What is read in order is read through a Reader: 16 bytes at a time, each once.
// Loops are few and short, as each turn of one costs about as much as a load.
// Joined with a repack_*.wgsl, which declares the other planes, `scales` at
// binding 3 and `high` at 4, of whatever elements it writes, and has
//
//   fn repack(start: u32, count: u32, output: u32, part: u32)
//       byte of the source, blocks of 32 there, the first one's place, and which
//       of the PARTS is to be written

struct Params {
  blocks: u32,
}

override GROUP: u32;
override GROUP_BYTES: u32;
override PARTS: u32;
override WORKGROUP_SIZE: u32 = 64u;
// All that is read begins at a multiple of so many bytes: 16, 4 or 1.
override ALIGNMENT: u32;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> quants: array<vec4u>;

// Bytes in order, from any byte on.
struct Reader {
  // The element of the source that was loaded last (or with whole elements the
  // next one),
  i: u32,
  loaded: vec4u,
  // and what of it was read: so many words, and bits of the next.
  words: u32,
  bits: u32,
}

fn reader_at(byte: u32) -> Reader {
  let i = byte >> 4u;
  return Reader(i, source[i], (byte >> 2u) & 3u, (byte & 3u) * 8u);
}

fn read_quad(reader: ptr<function, Reader>) -> vec4u {
  if (ALIGNMENT == 16u) {
    (*reader).i += 1u;
    return source[(*reader).i - 1u];
  }
  let a = (*reader).loaded;
  (*reader).i += 1u;
  let b = source[(*reader).i];
  (*reader).loaded = b;
  // Two words are skipped, and one, each where it has to be.
  let two = ((*reader).words & 2u) != 0u;
  let one = ((*reader).words & 1u) != 0u;
  let c = select(a, vec4u(a.zw, b.xy), two);
  let d = select(b.xy, b.zw, two);
  let e = select(c, vec4u(c.yzw, d.x), one);
  if (ALIGNMENT == 4u) {
    return e;
  }
  let f = select(d.x, d.y, one);
  let bits = vec4u((*reader).bits);
  return (e >> bits) | ((vec4u(e.yzw, f) << vec4u(1u)) << (vec4u(31u) - bits));
}

// The word behind what was read, where that ends at a word.
fn next_word(reader: Reader) -> u32 {
  let pair = select(
    reader.loaded.xy, reader.loaded.zw, (reader.words & 2u) != 0u,
  );
  return select(pair.x, pair.y, (reader.words & 1u) != 0u);
}

// Sixteen bytes from any byte on.
fn quad_at(byte: u32) -> vec4u {
  var reader = reader_at(byte);
  return read_quad(&reader);
}

fn aligned_word(i: u32) -> u32 {
  return source[i >> 2u][i & 3u];
}

// Quants that stay as they are: `count` quads, from element `quad` on.
fn copy_quads(reader: ptr<function, Reader>, quad: u32, count: u32) {
  for (var i = 0u; i < count; i++) {
    quants[quad + i] = read_quad(reader);
  }
}

// Four bytes from any byte on.
fn word_at(byte: u32) -> u32 {
  let i = byte >> 2u;
  let shift = (byte & 3u) * 8u;
  if (ALIGNMENT >= 4u || shift == 0u) {
    return aligned_word(i);
  }
  return (aligned_word(i) >> shift) | (aligned_word(i + 1u) << (32u - shift));
}

// Two bytes from an even byte on.
fn half_at(byte: u32) -> u32 {
  return (aligned_word(byte >> 2u) >> ((byte & 2u) * 8u)) & 0xffffu;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP_SIZE + lane;
  let group = i / PARTS;
  let block = group * GROUP;
  if (block >= params.blocks) {
    return;
  }
  let count = min(GROUP, params.blocks - block);
  repack(group * GROUP_BYTES, count, block, i % PARTS);
}
