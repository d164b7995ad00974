// Q4_1 and Q5_1: a scale, a minimum, 32 fifth bits, and nibbles:
// w = d * level + min.

// 15 or 31.
override MOST: u32;

// The ends of some weights, in the order of integers, and the bits of the least.
struct Ends {
  least: i32,
  most: i32,
  bits: u32,
}

// An integer that is the larger the larger the float; both zeros are the same.
fn order(bits: u32) -> i32 {
  let size = i32(bits & 0x7fffffffu);
  return select(size, -size, bits >= 0x80000000u);
}

fn widen_ends(ends: Ends, bits: u32) -> Ends {
  let own = order(bits);
  var wider = ends;
  wider.most = max(ends.most, own);
  // Of zeros with different signs the first one counts.
  if (own < ends.least) {
    wider.least = own;
    wider.bits = bits;
  }
  return wider;
}

fn widen_each(ends: Ends, v: vec4u) -> Ends {
  let half = widen_ends(widen_ends(ends, v.x), v.y);
  return widen_ends(widen_ends(half, v.z), v.w);
}

fn float_of(order: i32) -> f32 {
  return bitcast<f32>(select(u32(order), u32(-order) | 0x80000000u, order < 0));
}

fn pack(x: Block) {
  check_size(largest_of(x).size);
  var ends = Ends(0x7fffffff, -0x7fffffff, 0u);
  ends = widen_each(ends, x.a);
  ends = widen_each(ends, x.b);
  ends = widen_each(ends, x.c);
  ends = widen_each(ends, x.d);
  ends = widen_each(ends, x.e);
  ends = widen_each(ends, x.f);
  ends = widen_each(ends, x.g);
  ends = widen_each(ends, x.h);
  let least = float_of(ends.least);
  var scale = 0.0;
  var inverse = 0.0;
  if (ends.most > ends.least) {
    let span = sub_sure(float_of(ends.most), least);
    if (span < 0x1p-90) {
      unsure = true;
    }
    scale = div(span, f32(MOST));
    inverse = div(1.0, scale);
  }
  put16(to_half(scale));
  put16(to_half(bitcast<f32>(ends.bits)));
  let low = vec4u(
    levels(x.a, least, inverse),
    levels(x.b, least, inverse),
    levels(x.c, least, inverse),
    levels(x.d, least, inverse),
  );
  let high = vec4u(
    levels(x.e, least, inverse),
    levels(x.f, least, inverse),
    levels(x.g, least, inverse),
    levels(x.h, least, inverse),
  );
  if (MOST == 31u) {
    put16(fifth_bits(low));
    put16(fifth_bits(high));
  }
  put_nibbles(low, high);
}

fn levels(x: vec4u, least: f32, inverse: f32) -> u32 {
  let off = add4(bitcast<vec4f>(x), vec4f(-least));
  let level = vec4u(add4(mul4(off, vec4f(inverse)), vec4f(0.5)));
  return bytes_of(min(level, vec4u(MOST)));
}
