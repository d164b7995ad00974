// A draw by probabilities as a race: each token gets a random time E / 2^-d of an
// exponential E, and the first one wins (the Gumbel-max trick). A logit that comes
// out a little differently on another driver moves one token's time a little: who
// wins changes with it as rarely as two times are that close. A draw by sums moves
// all tokens behind that one, and among many equals takes a neighbour.
//
// Whole numbers throughout, as in fixed_point.wgsl, which it is joined behind;
// race.ts does the same.

// log2(1 + f) = f + f (1 - f) (Q0 - f (Q1 - f (Q2 - ...))), within 2e-6 for f from
// 0 to 1, in 2^-26.
const Q0 = 29708346u;
const Q1 = 18669798u;
const Q2 = 13197696u;
const Q3 = 8821228u;
const Q4 = 4299862u;
const Q5 = 1015052u;

// log2(-ln(1 - x) / x) = x (R1 + x (R2 + x R3)) for small x, in 2^-26.
const R1 = 48408813u;
const R2 = 20170339u;
const R3 = 12102203u;

// Times are logarithms to base 2, in 2^-25; this is more than any.
const LONGEST = 36u << 25u;
// -log2(ln(2))
const LOG2_LN_2 = 17742455u;
// Tokens of a probability below 2^-31 of the best one's do not take part.
const FARTHEST = 31.0;

// log2(n) of n from 1 on, in 2^-25.
fn log2_of(n: u32) -> u32 {
  let e = firstLeadingBit(n);
  let f = (n << (31u - e) << 1u) >> 6u;
  var q = Q4 - multiply26(f, Q5);
  q = Q3 - multiply26(f, q);
  q = Q2 - multiply26(f, q);
  q = Q1 - multiply26(f, q);
  q = Q0 - multiply26(f, q);
  let g = f + multiply26(multiply26(f, 0x4000000u - f), q);
  return (e << 25u) + (g >> 1u);
}

// LONGEST - log2(E) of E = -ln(1 - x), x = (r + 1/2) / 2^32.
fn earliness(r: u32) -> u32 {
  if (r < 0x4000000u) {
    let x = r >> 6u;
    let c = multiply26(x, R1 + multiply26(x, R2 + multiply26(x, R3)));
    return LONGEST + (33u << 25u) - log2_of(2u * r + 1u) - (c >> 1u);
  }
  let y = (32u << 25u) - log2_of(max(~r, 1u)); // -log2(1 - x)
  return LONGEST + (25u << 25u) + LOG2_LN_2 - log2_of(y);
}

fn mix(n: u32) -> u32 {
  var x = n ^ (n >> 16u);
  x *= 0x7feb352du;
  x ^= x >> 15u;
  x *= 0x846ca68bu;
  return x ^ (x >> 16u);
}

// How early a token is: of the highest one; 0 where it does not take part. `d` is
// how far its probability lies below the best one's, as a power of 2.
fn race(id: u32, d: f32, key: vec2u) -> u32 {
  if (!(d < FARTHEST)) {
    return 0u;
  }
  let r = mix(mix(id + key.y) ^ key.x);
  return earliness(r) - u32(d * 33554432.0);
}
