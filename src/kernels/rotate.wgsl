// Heads of q, k and v as they come out of their matrix, and their rotation by
// position in the interleaved (ggml "NORM") form:
//
//   (y[2i], y[2i+1]) = (x[2i] cos - x[2i+1] sin, x[2i] sin + x[2i+1] cos)
//
//   qkv    [batch, stride]          f32: heads of q, of k, of v
//   table  [context, head_dim / 2]  (cos, sin); see rope.ts

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<vec2f>;

// Two neighbours, zero past the head's end; head_dim is even.
fn pair(start: u32, d: u32) -> vec2f {
  if (d >= params.head_dim) {
    return vec2f(0.0);
  }
  return vec2f(qkv[start + d], qkv[start + d + 1u]);
}

fn rotate(x: vec2f, position: u32, d: u32) -> vec2f {
  if (d >= params.head_dim) {
    return x;
  }
  let t = table[(position * params.head_dim + d) / 2u];
  // Or else a driver may round one way here and another way there.
  return vec2f(fma(x.x, t.x, -(x.y * t.y)), fma(x.x, t.y, x.y * t.x));
}

// Columns d to d + 3 of the head that begins at `start`, as they are.
fn plain_quad(start: u32, d: u32) -> vec4f {
  return vec4f(pair(start, d), pair(start, d + 2u));
}

// The same, rotated where `turn` says so.
fn turned_quad(start: u32, d: u32, position: u32, turn: bool) -> vec4f {
  let lo = pair(start, d);
  let hi = pair(start, d + 2u);
  return select(
    vec4f(lo, hi),
    vec4f(rotate(lo, position, d), rotate(hi, position, d + 2u)),
    turn,
  );
}

// The same, rotated.
fn rotated_quad(start: u32, d: u32, position: u32) -> vec4f {
  return vec4f(
    rotate(pair(start, d), position, d),
    rotate(pair(start, d + 2u), position, d + 2u),
  );
}
