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

fn weights(word: u32, scale: f32, offset: f32) -> vec4f {
  let w = numbers(word) * scale;
  if (HAS_OFFSET) {
    return w - offset;
  }
  return w;
}

fn block_weights(index: u32) -> Block {
  let q = block_quants(index);
  return Block(
    weights(q.low.x, q.scale.x, q.offset.x),
    weights(q.low.y, q.scale.x, q.offset.x),
    weights(q.low.z, q.scale.x, q.offset.x),
    weights(q.low.w, q.scale.x, q.offset.x),
    weights(q.high.x, q.scale.y, q.offset.y),
    weights(q.high.y, q.scale.y, q.offset.y),
    weights(q.high.z, q.scale.y, q.offset.y),
    weights(q.high.w, q.scale.y, q.offset.y),
  );
}

fn block_dot(index: u32, input: Input) -> f32 {
  let q = block_quants(index);
  let x = input.x;
  let low = x.a * numbers(q.low.x) + x.b * numbers(q.low.y) +
    x.c * numbers(q.low.z) + x.d * numbers(q.low.w);
  let high = x.e * numbers(q.high.x) + x.f * numbers(q.high.y) +
    x.g * numbers(q.high.z) + x.h * numbers(q.high.w);
  let product = add4(low * q.scale.x + high * q.scale.y);
  if (HAS_OFFSET) {
    return product - dot(q.offset, input.sums);
  }
  return product;
}

// 16 activations against 16 weights, all whole numbers of 8 bits.
fn dot16(x: vec4u, q: vec4u) -> i32 {
  return dot4I8Packed(x.x, q.x) + dot4I8Packed(x.y, q.y) +
    dot4I8Packed(x.z, q.z) + dot4I8Packed(x.w, q.w);
}

// 32 of them: scales are those of the weights, `sums` the activations' own.
fn dot32(x: Int8Input, low: vec4u, high: vec4u, scale: vec2f, offset: vec2f)
  -> f32 {
  var product: f32;
  var sums: f32;
  if (ONE_SCALE) {
    product = scale.x * f32(dot16(x.low, low) + dot16(x.high, high));
    sums = offset.x * (x.sums.x + x.sums.y);
  } else {
    product = scale.x * f32(dot16(x.low, low)) +
      scale.y * f32(dot16(x.high, high));
    sums = dot(offset, x.sums);
  }
  if (HAS_OFFSET) {
    return x.scale * product - sums;
  }
  return x.scale * product;
}

fn quants_dot(q: Quants, x: Int8Input) -> f32 {
  return dot32(x, q.low, q.high, q.scale, q.offset);
}
