// What follows for every codec whose weights are whole numbers with scales,
//
//   w = scale * q - offset,   q of 8 bits, one scale and offset for 16 weights
//
// from the three things that such a codec gives:
//
//   const HAS_OFFSET: bool                      false: every offset is 0
//   const ONE_SCALE: bool                       true: the same for all 32
//   fn block_quants(index: u32) -> Quants       block `index`
//
// Joined behind block.wgsl and a codec.

fn numbers(word: u32) -> vec4f {
  return vec4f(unpack4xI8(word));
}

fn dequantized(word: u32, scale: f32, offset: f32) -> vec4f {
  let w = numbers(word) * scale;
  if (HAS_OFFSET) {
    return w - offset;
  }
  return w;
}

fn block_weights(index: u32) -> Block {
  let q = block_quants(index);
  return Block(
    dequantized(q.low.x, q.scale.x, q.offset.x),
    dequantized(q.low.y, q.scale.x, q.offset.x),
    dequantized(q.low.z, q.scale.x, q.offset.x),
    dequantized(q.low.w, q.scale.x, q.offset.x),
    dequantized(q.high.x, q.scale.y, q.offset.y),
    dequantized(q.high.y, q.scale.y, q.offset.y),
    dequantized(q.high.z, q.scale.y, q.offset.y),
    dequantized(q.high.w, q.scale.y, q.offset.y),
  );
}

alias Weights = Quants;

fn weights_at(index: u32) -> Weights {
  return block_quants(index);
}

fn add_dot(sum: f32, q: Weights, input: Input) -> f32 {
  let w = Block(
    numbers(q.low.x), numbers(q.low.y), numbers(q.low.z), numbers(q.low.w),
    numbers(q.high.x), numbers(q.high.y), numbers(q.high.z), numbers(q.high.w),
  );
  let low = dot_low(input.x, w);
  let high = dot_high(input.x, w);
  var rest = sum;
  if (ONE_SCALE) {
    if (HAS_OFFSET) {
      rest = fma(-q.offset.x, input.sums.x + input.sums.y, rest);
    }
    return fma(q.scale.x, add4(low + high), rest);
  }
  if (HAS_OFFSET) {
    rest = fma(-q.offset.x, input.sums.x, fma(-q.offset.y, input.sums.y, rest));
  }
  return fma(q.scale.x, add4(low), fma(q.scale.y, add4(high), rest));
}

// 16 activations against 16 weights, all whole numbers of 8 bits.
fn dot16(x: vec4u, q: vec4u) -> i32 {
  return dot4I8Packed(x.x, q.x) + dot4I8Packed(x.y, q.y) +
    dot4I8Packed(x.z, q.z) + dot4I8Packed(x.w, q.w);
}

// sum + dot(w, x), of whole numbers on both sides.
fn add_int8_dot(sum: f32, q: Weights, x: Int8Input) -> f32 {
  let low = dot16(x.low, q.low);
  let high = dot16(x.high, q.high);
  var rest = sum;
  if (ONE_SCALE) {
    if (HAS_OFFSET) {
      rest = fma(-q.offset.x, x.sums.x + x.sums.y, rest);
    }
    return fma(x.scale, q.scale.x * f32(low + high), rest);
  }
  if (HAS_OFFSET) {
    rest = fma(-q.offset.x, x.sums.x, fma(-q.offset.y, x.sums.y, rest));
  }
  let product = fma(q.scale.x, f32(low), q.scale.y * f32(high));
  return fma(x.scale, product, rest);
}
