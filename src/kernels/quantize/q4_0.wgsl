// Q4_0 and Q5_0: a scale, 32 fifth bits, and nibbles: w = d * (level - HALF).

// 8 or 16.
override HALF: u32;

fn pack(x: Block) {
  let largest = largest_of(x);
  check_size(largest.size);
  // The largest weight over -HALF, of 0 too.
  let scale = -(bitcast<f32>(largest.bits) * (1.0 / f32(HALF)));
  var inverse = 0.0;
  if (largest.size != 0u) {
    inverse = div(1.0, scale);
    put16(to_half(scale));
  } else {
    put16(0x8000u);
  }
  let low = vec4u(
    levels(x.a, inverse),
    levels(x.b, inverse),
    levels(x.c, inverse),
    levels(x.d, inverse),
  );
  let high = vec4u(
    levels(x.e, inverse),
    levels(x.f, inverse),
    levels(x.g, inverse),
    levels(x.h, inverse),
  );
  if (HALF == 16u) {
    put16(fifth_bits(low));
    put16(fifth_bits(high));
  }
  put_nibbles(low, high);
}

fn levels(x: vec4u, inverse: f32) -> u32 {
  let v = mul4(bitcast<vec4f>(x), vec4f(inverse));
  let level = vec4u(add4(v, vec4f(f32(HALF) + 0.5)));
  return bytes_of(min(level, vec4u(2u * HALF - 1u)));
}
