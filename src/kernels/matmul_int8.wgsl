// The tiles of matmul.wgsl in whole numbers: 32 weights and 32 activations of 8
// bits meet in eight dot4I8Packed; scales and offsets are applied in f32.
//
//   x        [batch, blocks, 2]  vec4u, 32 i8 a block (quantize.wgsl)
//   x_scales [batch, blocks]     vec4f, the scale, and the sums of the first
//                                and the last 16 activations
//
// Joined behind quant/quantized.wgsl, before matmul.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4u>;
@group(0) @binding(6) var<storage, read> x_scales: array<vec4f>;

// Three quads a row instead of two keep neighbours in different banks.
override W_TILE: u32 = 192u;
override X_TILE: u32 = 96u;
override W_SCALES: u32 = 64u;
override X_SCALES: u32 = 32u;
var<workgroup> w_tile: array<vec4u, W_TILE>; // [8 TX, 3]
var<workgroup> w_scales: array<vec4f, W_SCALES>; // [8 TX], scales and offsets
var<workgroup> x_tile: array<vec4u, X_TILE>; // [4 TY, 3]
var<workgroup> x_tile_scales: array<vec4f, X_SCALES>; // [4 TY]

fn load_weights(row: u32, index: u32) {
  let w = block_quants(index);
  w_tile[row * 3u] = w.low;
  w_tile[row * 3u + 1u] = w.high;
  w_scales[row] = vec4f(w.scale, w.offset);
}

// 8 TY quads and 4 TY scales: the first lanes bring those, the last ones these.
fn load_activations(lane: u32, block: u32, first_m: u32) {
  if (lane < 8u * TY) {
    let row = min(first_m + (lane >> 1u), batch.rows - 1u);
    let half = lane & 1u;
    x_tile[(lane >> 1u) * 3u + half] =
      x[(row * params.blocks + block) * 2u + half];
  }
  let m = LANES - 1u - lane;
  if (m < 4u * TY) {
    let row = min(first_m + m, batch.rows - 1u);
    x_tile_scales[m] = x_scales[row * params.blocks + block];
  }
}

fn weights_of(row: u32) -> Quants {
  let scales = w_scales[row];
  return Quants(
    w_tile[row * 3u], w_tile[row * 3u + 1u], scales.xy, scales.zw,
  );
}

fn activations_of(m: u32) -> Int8Input {
  let scale = x_tile_scales[m];
  return Int8Input(x_tile[m * 3u], x_tile[m * 3u + 1u], scale.x, scale.yz);
}

fn meet_rows(s: vec4f, v: Int8Input, a: Quants, b: Quants, c: Quants, d: Quants)
  -> vec4f {
  return vec4f(
    add_int8_dot(s.x, a, v), add_int8_dot(s.y, b, v),
    add_int8_dot(s.z, c, v), add_int8_dot(s.w, d, v),
  );
}

fn meet(s: Sums, row: u32, m: u32) -> Sums {
  let a0 = weights_of(row);
  let a1 = weights_of(row + TX);
  let a2 = weights_of(row + 2u * TX);
  let a3 = weights_of(row + 3u * TX);
  let b0 = weights_of(row + 4u * TX);
  let b1 = weights_of(row + 5u * TX);
  let b2 = weights_of(row + 6u * TX);
  let b3 = weights_of(row + 7u * TX);
  let v0 = activations_of(m);
  let v1 = activations_of(m + TY);
  let v2 = activations_of(m + 2u * TY);
  let v3 = activations_of(m + 3u * TY);
  return Sums(
    meet_rows(s.sum0a, v0, a0, a1, a2, a3),
    meet_rows(s.sum0b, v0, b0, b1, b2, b3),
    meet_rows(s.sum1a, v1, a0, a1, a2, a3),
    meet_rows(s.sum1b, v1, b0, b1, b2, b3),
    meet_rows(s.sum2a, v2, a0, a1, a2, a3),
    meet_rows(s.sum2b, v2, b0, b1, b2, b3),
    meet_rows(s.sum3a, v3, a0, a1, a2, a3),
    meet_rows(s.sum3b, v3, b0, b1, b2, b3),
  );
}
