// F16: IEEE half precision, rows padded with zeros to whole blocks.
//
//   quants [rows, blocks, 4] vec4u, eight f16 each
//
// unpack2x16float is core WGSL: no shader-f16, and no bitcast to vec2<f16>,
// which naga miscompiles.

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;

fn four(low: u32, high: u32) -> vec4f {
  return vec4f(unpack2x16float(low), unpack2x16float(high));
}

fn block_weights(index: u32) -> Block {
  let i = index * 4u;
  let p = quants[i];
  let q = quants[i + 1u];
  let r = quants[i + 2u];
  let s = quants[i + 3u];
  return Block(
    four(p.x, p.y), four(p.z, p.w), four(q.x, q.y), four(q.z, q.w),
    four(r.x, r.y), four(r.z, r.w), four(s.x, s.y), four(s.z, s.w),
  );
}

alias Weights = Block;

fn weights_at(index: u32) -> Weights {
  return block_weights(index);
}

fn add_dot(sum: f32, w: Weights, input: Input) -> f32 {
  return sum + dot_blocks(input.x, w);
}
