// Multiply-adds of f32, the ceiling of a kernel that waits for arithmetic.
//
//   y [1]  u32   written only where a sum comes out as a magic number
//
// Eight chains of vec4f that do not wait for each other; 64 turns of four steps
// each come to 8192 multiply-adds an invocation, and next to nothing else.

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) invocation: vec3u) {
  // Known only as it runs, so that no compiler folds the chains.
  let m = vec4f(f32(invocation.x & 3u));
  var a = vec4f(f32(invocation.x + 0u));
  var b = vec4f(f32(invocation.x + 1u));
  var c = vec4f(f32(invocation.x + 2u));
  var d = vec4f(f32(invocation.x + 3u));
  var e = vec4f(f32(invocation.x + 4u));
  var f = vec4f(f32(invocation.x + 5u));
  var g = vec4f(f32(invocation.x + 6u));
  var h = vec4f(f32(invocation.x + 7u));
  for (var i = 0u; i < 64u; i++) {
    a = fma(a, m, a);
    b = fma(b, m, b);
    c = fma(c, m, c);
    d = fma(d, m, d);
    e = fma(e, m, e);
    f = fma(f, m, f);
    g = fma(g, m, g);
    h = fma(h, m, h);

    a = fma(a, m, a);
    b = fma(b, m, b);
    c = fma(c, m, c);
    d = fma(d, m, d);
    e = fma(e, m, e);
    f = fma(f, m, f);
    g = fma(g, m, g);
    h = fma(h, m, h);

    a = fma(a, m, a);
    b = fma(b, m, b);
    c = fma(c, m, c);
    d = fma(d, m, d);
    e = fma(e, m, e);
    f = fma(f, m, f);
    g = fma(g, m, g);
    h = fma(h, m, h);

    a = fma(a, m, a);
    b = fma(b, m, b);
    c = fma(c, m, c);
    d = fma(d, m, d);
    e = fma(e, m, e);
    f = fma(f, m, f);
    g = fma(g, m, g);
    h = fma(h, m, h);
  }
  let s = a + b + c + d + e + f + g + h;
  if (u32(s.x + s.y + s.z + s.w) == 0x9e3779b9u) {
    y[0] = u32(s.x);
  }
}
