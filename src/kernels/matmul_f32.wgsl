// The tiles of matmul.wgsl in f32: weights are dequantized on their way in.
//
//   x [batch, stride]  f32
//
// Joined behind quant/block.wgsl and a codec, before matmul.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4f>;

// Nine quads a row instead of eight keep neighbours in different banks. (Sizes
// are names, as naga 29 panics at an expression of overrides here.)
override W_TILE: u32 = 576u;
override X_TILE: u32 = 288u;
var<workgroup> w_tile: array<vec4f, W_TILE>; // [8 TX, 9]
var<workgroup> x_tile: array<vec4f, X_TILE>; // [4 TY, 9]

fn load_weights(row: u32, index: u32) {
  let w = block_weights(index);
  let i = row * 9u;
  w_tile[i] = w.a;
  w_tile[i + 1u] = w.b;
  w_tile[i + 2u] = w.c;
  w_tile[i + 3u] = w.d;
  w_tile[i + 4u] = w.e;
  w_tile[i + 5u] = w.f;
  w_tile[i + 6u] = w.g;
  w_tile[i + 7u] = w.h;
}

// Quad `i` of the 32 TY in a tile's block.
fn load_quad(i: u32, block: u32, first_m: u32) {
  let m = i >> 3u;
  let row = min(first_m + m, batch.rows - 1u);
  x_tile[m * 9u + (i & 7u)] = x[(row * params.blocks + block) * 8u + (i & 7u)];
}

// 32 / TX quads a lane: TX is 8 or 16.
fn load_activations(lane: u32, block: u32, first_m: u32) {
  load_quad(lane, block, first_m);
  load_quad(lane + LANES, block, first_m);
  if (TX == 8u) {
    load_quad(lane + 2u * LANES, block, first_m);
    load_quad(lane + 3u * LANES, block, first_m);
  }
}

fn meet_quad(s: Sums, w0: u32, x0: u32) -> Sums {
  // Each quad once: compilers do not see that a second load is the same.
  let a0 = w_tile[w0];
  let a1 = w_tile[w0 + 9u * TX];
  let a2 = w_tile[w0 + 18u * TX];
  let a3 = w_tile[w0 + 27u * TX];
  let b0 = w_tile[w0 + 36u * TX];
  let b1 = w_tile[w0 + 45u * TX];
  let b2 = w_tile[w0 + 54u * TX];
  let b3 = w_tile[w0 + 63u * TX];
  let v0 = x_tile[x0];
  let v1 = x_tile[x0 + 9u * TY];
  let v2 = x_tile[x0 + 18u * TY];
  let v3 = x_tile[x0 + 27u * TY];
  return Sums(
    dots(s.sum0a, v0, a0, a1, a2, a3), dots(s.sum0b, v0, b0, b1, b2, b3),
    dots(s.sum1a, v1, a0, a1, a2, a3), dots(s.sum1b, v1, b0, b1, b2, b3),
    dots(s.sum2a, v2, a0, a1, a2, a3), dots(s.sum2b, v2, b0, b1, b2, b3),
    dots(s.sum3a, v3, a0, a1, a2, a3), dots(s.sum3b, v3, b0, b1, b2, b3),
  );
}

// Unrolled by hand: naga bounds every loop.
fn meet(sums: Sums, row: u32, m: u32) -> Sums {
  let w0 = row * 9u;
  let x0 = m * 9u;
  var s = meet_quad(sums, w0, x0);
  s = meet_quad(s, w0 + 1u, x0 + 1u);
  s = meet_quad(s, w0 + 2u, x0 + 2u);
  s = meet_quad(s, w0 + 3u, x0 + 3u);
  s = meet_quad(s, w0 + 4u, x0 + 4u);
  s = meet_quad(s, w0 + 5u, x0 + 5u);
  s = meet_quad(s, w0 + 6u, x0 + 6u);
  return meet_quad(s, w0 + 7u, x0 + 7u);
}
