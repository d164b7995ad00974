// Whole numbers in place of f32, whose sums depend on their order and whose
// exp() differs from driver to driver: for sample.wgsl. Numbers of 64 bits are
// (high, low) words.

// 2^-f = 1 - f (C1 - f (C2 - ...)), within 5e-7 for f from 0 to 1, in 2^-26.
const C1 = 46516304u;
const C2 = 16120547u;
const C3 = 3718465u;
const C4 = 627176u;
const C5 = 67400u;

// (high, low) words of a + b.
fn add(a: vec2u, b: vec2u) -> vec2u {
  let low = a.y + b.y;
  return vec2u(a.x + b.x + select(0u, 1u, low < a.y), low);
}

fn subtract(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x - select(0u, 1u, a.y < b.y), a.y - b.y);
}

fn is_less(a: vec2u, b: vec2u) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// (high, low) words of a * b.
fn multiply(a: u32, b: u32) -> vec2u {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let rest = (middle & 0xffffu) + a0 * b1;
  return vec2u(a1 * b1 + (middle >> 16u) + (rest >> 16u), a * b);
}

// a * b / 2^26 of factors below 2^26, by halves of 13 bits.
fn multiply26(a: u32, b: u32) -> u32 {
  let a0 = a & 0x1fffu;
  let a1 = a >> 13u;
  let b0 = b & 0x1fffu;
  let b1 = b >> 13u;
  return a1 * b1 + ((a1 * b0 + a0 * b1 + ((a0 * b0) >> 13u)) >> 13u);
}

// 2^26 * 2^-d
fn power(d: f32) -> u32 {
  let fixed = u32(min(d, 31.0) * 67108864.0);
  let f = fixed & 0x3ffffffu;
  var p = C4 - multiply26(C5, f);
  p = C3 - multiply26(p, f);
  p = C2 - multiply26(p, f);
  p = C1 - multiply26(p, f);
  p = 0x4000000u - multiply26(p, f);
  return p >> (fixed >> 26u);
}

// Philox 2x32 of 10 rounds: the random numbers of a seed and a step.
fn random(seed: u32, step: u32) -> vec2u {
  var key = seed;
  var low = step;
  var high = 0u;
  for (var round = 0u; round < 10u; round++) {
    let product = multiply(low, 0xd256d193u);
    low = product.x ^ key ^ high;
    high = product.y;
    key += 0x9e3779b9u;
  }
  return vec2u(low, high);
}
