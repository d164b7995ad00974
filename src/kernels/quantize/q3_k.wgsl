// Q3_K: 256 levels from -4 to 3, w = d * s * level by groups of 16.
//
// A block: 32 bytes of third bits, 64 of lower pairs of bits, 12 bytes of scales
// of 6 bits, d. A group's levels are changed one by one as long as that brings
// the fit nearer, as fit_changes.ts does.

// The levels found, and whether there are any.
var<private> found: Group;
var<private> is_found: bool;
// The group's sums, and how often they changed.
var<private> sums: Sums;
var<private> changes: u32;

fn fit(place: Place) {
  let x = load(place.quad);
  let largest = largest_of(x);
  check_largest(largest.size);
  is_found = largest.size != 0u;
  var scale = 0.0;
  if (is_found) {
    let inverse = div(-4.0, bitcast<f32>(largest.bits));
    found.a = vec4f(level_of(mul4(vec4f(inverse), x.a)));
    found.b = vec4f(level_of(mul4(vec4f(inverse), x.b)));
    found.c = vec4f(level_of(mul4(vec4f(inverse), x.c)));
    found.d = vec4f(level_of(mul4(vec4f(inverse), x.d)));
    sums = sum_up(x, inverse);
    for (var round = 0; round < 5; round++) {
      changes = 0u;
      // A loop over what is loaded once more, as 16 changes are much code.
      for (var q = 0u; q < 4u; q++) {
        let x = bitcast<vec4f>(quad(place.quad + q));
        let level = change_quad(x, found_quad(q));
        found.a = select(found.a, level, q == 0u);
        found.b = select(found.b, level, q == 1u);
        found.c = select(found.c, level, q == 2u);
        found.d = select(found.d, level, q == 3u);
      }
      if (changes == 0u) {
        break;
      }
    }
    if (sums.l2 > 0.0) {
      scale = div(sums.xl, sums.l2);
    }
  }
  scales[place.lane] = scale;
}

fn change_quad(x: vec4f, level: vec4f) -> vec4f {
  let first = change(x.x, level.x);
  let second = change(x.y, level.y);
  let third = change(x.z, level.z);
  return vec4f(first, second, third, change(x.w, level.w));
}

// The level that fits a weight best beside the others, if that fits better.
fn change(x: f32, level: f32) -> f32 {
  let w = mul(x, x);
  let wx = mul(w, x);
  var xl = sub_sure(sums.xl, mul(wx, level));
  if (!(xl > 0.0)) {
    return level;
  }
  var l2 = sub_sure(sums.l2, mul(mul(w, level), level));
  let ratio = div(mul_sure(x, l2), xl);
  let next = f32(clamp(nearest(ratio), -HALF, HALF - 1));
  if (next == level) {
    return level;
  }
  xl = add(xl, mul(wx, next));
  l2 = add(l2, mul(mul(w, next), next));
  let before = mul_sure(mul_sure(sums.xl, sums.xl), l2);
  let after = mul_sure(mul_sure(xl, xl), sums.l2);
  if (!(l2 > 0.0 && after > before)) {
    return level;
  }
  sums = Sums(xl, l2);
  changes += 1u;
  return next;
}

fn finish(place: Place) {
  var top = 0.0;
  for (var j = 0u; j < 16u; j++) {
    let scale = scales[place.block * 16u + j];
    if (abs(scale) > abs(top)) {
      top = scale;
    }
  }
  var code = 0u;
  var d = 0u;
  var scale = 0.0;
  if (top != 0.0) {
    let inverse = div(-32.0, top);
    d = to_half(div(1.0, inverse));
    let level = clamp(nearest(mul(inverse, scales[place.lane])), -32, 31);
    code = u32(level + 32);
    scale = mul(from_half(d), f32(level));
  }
  scale_codes[place.lane] = code;
  block_scales[place.block] = d;
  // Loaded once more, as a loop over what is in registers takes more code.
  for (var q = 0u; q < 4u; q++) {
    let x = bitcast<vec4f>(quad(place.quad + q));
    levels[place.word + q] = levels_of(x, found_quad(q), scale);
  }
}

fn found_quad(q: u32) -> vec4f {
  return select(
    select(found.d, found.c, q == 2u),
    select(found.b, found.a, q == 0u),
    q < 2u,
  );
}

// The nearest levels to the scale as it was rounded, or as they were found.
fn levels_of(x: vec4f, found: vec4f, scale: f32) -> u32 {
  if (scale != 0.0) {
    return bytes_of(vec4u(level_of(div_each(x, scale)) + vec4i(HALF)));
  }
  if (is_found) {
    return bytes_of(vec4u(vec4i(found) + vec4i(HALF)));
  }
  return 0u;
}

fn half_of(block: u32, i: u32) -> u32 {
  if (i < 16u) {
    return third_bits(block, i * 2u);
  }
  if (i < 48u) {
    return pairs_at(block, i - 16u);
  }
  if (i < 54u) {
    let k = (i - 48u) * 2u;
    return code_byte(block, k) | (code_byte(block, k + 1u) << 8u);
  }
  return block_scales[block];
}

// Byte k of the 12 of scales.
fn code_byte(block: u32, k: u32) -> u32 {
  if (k < 8u) {
    let j = block * 16u + k;
    return (scale_codes[j] & 15u) | ((scale_codes[j + 8u] & 15u) << 4u);
  }
  let j = block * 16u + (k & 3u);
  return (scale_codes[j] >> 4u) | ((scale_codes[j + 4u] >> 4u) << 2u) |
    ((scale_codes[j + 8u] >> 4u) << 4u) | ((scale_codes[j + 12u] >> 4u) << 6u);
}

// Bytes i and i + 1 of the third bits.
fn third_bits(block: u32, i: u32) -> u32 {
  return third_bit(block, i, 0u) | third_bit(block, i, 1u) |
    third_bit(block, i, 2u) | third_bit(block, i, 3u) |
    third_bit(block, i, 4u) | third_bit(block, i, 5u) |
    third_bit(block, i, 6u) | third_bit(block, i, 7u);
}

fn third_bit(block: u32, i: u32, k: u32) -> u32 {
  return ((levels_at(block, 32u * k + i) >> 2u) & 0x0101u) << k;
}
