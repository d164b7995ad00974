// Blocks of 32 weights, two an invocation: a pair of blocks is whole words.
//
//   source [blocks, 32]
//   packed [blocks, BLOCK_BYTES]  raw blocks of the format
//
// Joined with a source and with a format, which has
//   fn pack(x: Block)  puts the block

override WORKGROUP_SIZE: u32 = 64u;
override BLOCK_BYTES: u32;

// The weights of a block, as bits.
struct Block {
  a: vec4u,
  b: vec4u,
  c: vec4u,
  d: vec4u,
  e: vec4u,
  f: vec4u,
  g: vec4u,
  h: vec4u,
}

// Where the next 16 bits go, and those that wait for the other half of a word.
var<private> at: u32;
var<private> waiting: u32;

fn put16(half: u32) {
  if ((at & 1u) == 0u) {
    waiting = half;
  } else {
    packed[at >> 1u] = waiting | (half << 16u);
  }
  at += 1u;
}

fn put32(word: u32) {
  put16(word & 0xffffu);
  put16(word >> 16u);
}

// Puts levels as nibbles: the weights i and i + 16 share a byte.
fn put_nibbles(low: vec4u, high: vec4u) {
  put32((low.x & 0x0f0f0f0fu) | ((high.x & 0x0f0f0f0fu) << 4u));
  put32((low.y & 0x0f0f0f0fu) | ((high.y & 0x0f0f0f0fu) << 4u));
  put32((low.z & 0x0f0f0f0fu) | ((high.z & 0x0f0f0f0fu) << 4u));
  put32((low.w & 0x0f0f0f0fu) | ((high.w & 0x0f0f0f0fu) << 4u));
}

// The fifth bits of the bytes of four words, 16 bits.
fn fifth_bits(v: vec4u) -> u32 {
  let bits = (v >> vec4u(4u)) & vec4u(0x01010101u);
  // A product that adds the four bits up in its highest byte.
  let nibbles = (bits * vec4u(0x10204080u)) >> vec4u(28u);
  return nibbles.x | (nibbles.y << 4u) | (nibbles.z << 8u) | (nibbles.w << 12u);
}

fn run(block: u32) {
  let i = block * 8u;
  unsure = false;
  pack(Block(
    quad(i),
    quad(i + 1u),
    quad(i + 2u),
    quad(i + 3u),
    quad(i + 4u),
    quad(i + 5u),
    quad(i + 6u),
    quad(i + 7u),
  ));
  if (unsure) {
    mark(block);
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let block = (group * WORKGROUP_SIZE + lane) * 2u;
  if (block >= params.blocks) {
    return;
  }
  at = block * (BLOCK_BYTES / 2u);
  run(block);
  run(block + 1u);
}
