// Arithmetic of 32-bit floats to the last bit, as a CPU does it.
//
// WGSL lets a compiler fuse a product and a sum, or change the order of sums;
// division and sqrt() may be some units of the last place off, and what is below
// 2^-126 may become 0. So each result passes through an integer that no compiler
// sees through (params.zero is 0, which it cannot know), quotients and roots are
// set right by their remainders in integers, and a block whose numbers come near
// the ends of the range is marked `unsure`: the CPU does it again.

struct Params {
  // Blocks to pack.
  blocks: u32,
  zero: u32,
  // How many blocks the list of marks has room for.
  marks: u32,
}

struct Marks {
  count: atomic<u32>,
  blocks: array<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
// Whole blocks of the format, row by row.
@group(0) @binding(2) var<storage, read_write> packed: array<u32>;
// Indices of the blocks that are unsure, in any order.
@group(0) @binding(3) var<storage, read_write> marks: Marks;

// Whether numbers of this invocation came near the ends of the range.
var<private> unsure: bool = false;

fn mark(block: u32) {
  if (block >= params.blocks) {
    return;
  }
  let i = atomicAdd(&marks.count, 1u);
  if (i < params.marks) {
    marks.blocks[i] = block;
  }
}

fn keep(value: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(value) ^ params.zero);
}

fn keep4(value: vec4f) -> vec4f {
  return bitcast<vec4f>(bitcast<vec4u>(value) ^ vec4u(params.zero));
}

fn add(a: f32, b: f32) -> f32 {
  return keep(a + b);
}

fn mul(a: f32, b: f32) -> f32 {
  return keep(a * b);
}

fn add4(a: vec4f, b: vec4f) -> vec4f {
  return keep4(a + b);
}

fn mul4(a: vec4f, b: vec4f) -> vec4f {
  return keep4(a * b);
}

// sum + v.x + v.y + v.z + v.w, in this order.
fn add_each(sum: f32, v: vec4f) -> f32 {
  return add(add(add(add(sum, v.x), v.y), v.z), v.w);
}

// Whether a float is 0 or was too small.
fn is_small(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) == 0u;
}

fn is_zero(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) == 0u;
}

// A product that is unsure where it is too small.
fn mul_sure(a: f32, b: f32) -> f32 {
  let product = mul(a, b);
  if (is_small(product) && !is_zero(a) && !is_zero(b)) {
    unsure = true;
  }
  return product;
}

// A difference that is unsure where it is too small.
fn sub_sure(a: f32, b: f32) -> f32 {
  let difference = add(a, -b);
  if (is_small(difference) && bitcast<u32>(a) != bitcast<u32>(b)) {
    unsure = true;
  }
  return difference;
}

// a / b
fn div(a: f32, b: f32) -> f32 {
  let a_bits = bitcast<u32>(a);
  let b_bits = bitcast<u32>(b);
  let sign = (a_bits ^ b_bits) & 0x80000000u;
  if ((a_bits & 0x7fffffffu) == 0u) {
    return bitcast<f32>(sign);
  }
  let a_exponent = (a_bits >> 23u) & 255u;
  let b_exponent = (b_bits >> 23u) & 255u;
  let b_part = (b_bits & 0x7fffffu) | 0x800000u;
  var a_part = (a_bits & 0x7fffffu) | 0x800000u;
  var exponent = i32(a_exponent) - i32(b_exponent) + 127;
  if (a_part < b_part) {
    a_part <<= 1u;
    exponent -= 1;
  }
  // The quotient a_part * 2^23 / b_part has 24 bits. Its remainder is taken
  // modulo 2^32, as it is small.
  var quotient = u32(f32(a_part) / f32(b_part) * 8388608.0);
  var rest = i32((a_part << 23u) - quotient * b_part);
  let divisor = i32(b_part);
  let off = i32(floor(f32(rest) / f32(b_part)));
  quotient += u32(off);
  rest -= off * divisor;
  if (rest < 0) {
    quotient -= 1u;
    rest += divisor;
  }
  if (rest >= divisor) {
    quotient += 1u;
    rest -= divisor;
  }
  if (
    rest < 0 || rest >= divisor || quotient < 0x800000u ||
    quotient > 0xffffffu || exponent < 1 || exponent > 253 ||
    a_exponent == 0u || a_exponent == 255u ||
    b_exponent == 0u || b_exponent == 255u
  ) {
    unsure = true;
  }
  // There are no ties; rounding up may carry into the exponent, as it should.
  quotient += u32(2 * rest > divisor);
  return bitcast<f32>(
    sign | ((u32(exponent) << 23u) + (quotient - 0x800000u)),
  );
}

fn div_each(a: vec4f, b: f32) -> vec4f {
  return vec4f(div(a.x, b), div(a.y, b), div(a.z, b), div(a.w, b));
}

// The square root of what is not below 0.
fn root(value: f32) -> f32 {
  let bits = bitcast<u32>(value);
  if (bits == 0u) {
    return 0.0;
  }
  let exponent = bits >> 23u;
  // value = part * 2^(odd exponent), so that the root of part * 2^23 has 24 bits.
  var part = (bits & 0x7fffffu) | 0x800000u;
  if ((exponent & 1u) == 0u) {
    part <<= 1u;
  }
  var result = u32(sqrt(f32(part) * 8388608.0));
  var rest = i32((part << 23u) - result * result);
  for (var i = 0; i < 4; i++) {
    if (rest < 0) {
      result -= 1u;
      rest += i32(2u * result + 1u);
    }
    if (rest > i32(2u * result)) {
      rest -= i32(2u * result + 1u);
      result += 1u;
    }
  }
  if (
    rest < 0 || rest > i32(2u * result) || result < 0x800000u ||
    result > 0xffffffu || exponent == 0u || exponent > 254u
  ) {
    unsure = true;
  }
  result += u32(rest > i32(result));
  return bitcast<f32>((((exponent + 127u) >> 1u) << 23u) + (result - 0x800000u));
}

// The nearest integer, halves to even. Beyond 2^22 it is the same nonsense as
// llama.cpp's.
fn nearest(value: f32) -> i32 {
  return i32(bitcast<u32>(add(value, 12582912.0)) & 0x7fffffu) - 0x400000;
}

fn nearest4(value: vec4f) -> vec4i {
  let bits = bitcast<vec4u>(add4(value, vec4f(12582912.0)));
  return vec4i(bits & vec4u(0x7fffffu)) - vec4i(0x400000);
}

// The bits of a 16-bit float, halves to even.
fn to_half(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (size >= 0x38800000u) {
    return sign | ((size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u);
  }
  if (size < 0x33000000u) {
    return sign;
  }
  let part = (size & 0x7fffffu) | 0x800000u;
  let shift = 126u - (size >> 23u);
  let half = (1u << (shift - 1u)) - 1u + ((part >> shift) & 1u);
  return sign | ((part + half) >> shift);
}

// What the bits of a finite 16-bit float stand for.
fn from_half(bits: u32) -> f32 {
  let size = bits & 0x7fffu;
  let sign = (bits & 0x8000u) << 16u;
  if (size >= 0x400u) {
    return bitcast<f32>(sign | ((size << 13u) + 0x38000000u));
  }
  return bitcast<f32>(sign | bitcast<u32>(f32(size) * 0x1p-24));
}

// The lowest bytes of four words in one.
fn bytes_of(v: vec4u) -> u32 {
  return v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u);
}
