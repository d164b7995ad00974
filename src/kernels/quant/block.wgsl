// A block: 32 consecutive weights of one row, or the activations they meet.
// Every codec of this folder speaks in blocks, whatever its file format's own
// block size, so that a kernel is written once and joined with any codec:
//
//   quants [rows, blocks, n]   vec4u   n 16-byte words a block
//   scales [rows * blocks / 2] u32     pairs of f16, where the format has them
//
//   fn block_weights(index: u32) -> Block         the weights of block `index`
//   fn block_dot(index: u32, x: Block) -> f32     their dot product with x

struct Block {
  a: vec4f, b: vec4f, c: vec4f, d: vec4f,
  e: vec4f, f: vec4f, g: vec4f, h: vec4f,
}

fn dot_blocks(x: Block, w: Block) -> f32 {
  let low = x.a * w.a + x.b * w.b + x.c * w.c + x.d * w.d;
  let high = x.e * w.e + x.f * w.f + x.g * w.g + x.h * w.h;
  return dot(low + high, vec4f(1.0));
}
