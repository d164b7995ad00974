// A block: 32 consecutive weights of one row, or the activations they meet.
// Every codec of this folder speaks in blocks, whatever its file format's own
// block size, so that a kernel is written once and joined with any codec.
// A codec says where its planes lie (bindings 0 quants, 1 scales, 8 high, and 9
// its lookup table, as far as it has them), and gives
//
//   fn block_weights(index: u32) -> Block         the weights of block `index`
//   alias Weights                                 what is kept of them between
//                                                 several activations
//   fn weights_at(index: u32) -> Weights          the same of block `index`
//   fn add_dot(sum: f32, w: Weights, x: Input) -> f32   sum + dot(w, x)
//
// itself where its weights are floats, and through quantized.wgsl where they
// are whole numbers with scales.
//
// What comes of a dot product depends on its operands alone, to the bit, and not
// on the kernel around it: where a product is added, fma() says so, as compilers
// are free to contract the two wherever they see them, or not to.

struct Block {
  a: vec4f, b: vec4f, c: vec4f, d: vec4f,
  e: vec4f, f: vec4f, g: vec4f, h: vec4f,
}

// Activations of a block, and the sums of their first and last 16.
struct Input {
  x: Block,
  sums: vec2f,
}

// Activations of a block as whole numbers of 8 bits, four a word, their scale, and
// the sums of the first and the last 16, scaled.
struct Int8Input {
  low: vec4u,
  high: vec4u,
  scale: f32,
  sums: vec2f,
}

// 32 weights as whole numbers of 8 bits, four a word, with a scale and an
// offset for the first and the last 16: w = scale * q - offset.
struct Quants {
  low: vec4u,
  high: vec4u,
  scale: vec2f,
  offset: vec2f,
}

fn add4(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

fn input_of(x: Block) -> Input {
  return Input(
    x, vec2f(add4(x.a + x.b + x.c + x.d), add4(x.e + x.f + x.g + x.h)),
  );
}

fn dot_low(x: Block, w: Block) -> vec4f {
  return fma(x.d, w.d, fma(x.c, w.c, fma(x.b, w.b, x.a * w.a)));
}

fn dot_high(x: Block, w: Block) -> vec4f {
  return fma(x.h, w.h, fma(x.g, w.g, fma(x.f, w.f, x.e * w.e)));
}

fn dot_blocks(x: Block, w: Block) -> f32 {
  return add4(dot_low(x, w) + dot_high(x, w));
}
