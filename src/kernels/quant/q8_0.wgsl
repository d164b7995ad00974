// Q8_0: w[i] = d * q[i], 32 signed bytes q and one f16 scale d a block.
//
//   quants [blocks, 2]  vec4u, the 32 bytes in order
//   scales [blocks / 2] u32, the d of two blocks

const HAS_OFFSET = false;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn block_quants(index: u32) -> Quants {
  let pair = unpack2x16float(scales[index >> 1u]);
  let d = select(pair.x, pair.y, (index & 1u) == 1u);
  return Quants(
    quants[index * 2u], quants[index * 2u + 1u], vec2f(d), vec2f(0.0),
  );
}
