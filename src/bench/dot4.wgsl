// Dot products of four signed bytes, the ceiling of a kernel on int8 weights and
// activations that waits for arithmetic.
//
//   y [1]  u32   written only where a sum comes out as a magic number
//
// As in fma.wgsl: eight chains of four, 64 turns of four steps each come to 8192
// dot products, 32768 multiply-adds, an invocation.

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read_write> y: array<u32>;

// One step of four chains: each is four bytes, and the sum of their products.
fn step(v: vec4i, m: u32) -> vec4i {
  return v + vec4i(
    dot4I8Packed(u32(v.x), m),
    dot4I8Packed(u32(v.y), m),
    dot4I8Packed(u32(v.z), m),
    dot4I8Packed(u32(v.w), m),
  );
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) invocation: vec3u) {
  // Known only as it runs, so that no compiler folds the chains.
  let m = invocation.x * 2654435761u;
  var a = vec4i(i32(invocation.x + 0u));
  var b = vec4i(i32(invocation.x + 1u));
  var c = vec4i(i32(invocation.x + 2u));
  var d = vec4i(i32(invocation.x + 3u));
  var e = vec4i(i32(invocation.x + 4u));
  var f = vec4i(i32(invocation.x + 5u));
  var g = vec4i(i32(invocation.x + 6u));
  var h = vec4i(i32(invocation.x + 7u));
  for (var i = 0u; i < 64u; i++) {
    a = step(a, m);
    b = step(b, m);
    c = step(c, m);
    d = step(d, m);
    e = step(e, m);
    f = step(f, m);
    g = step(g, m);
    h = step(h, m);

    a = step(a, m);
    b = step(b, m);
    c = step(c, m);
    d = step(d, m);
    e = step(e, m);
    f = step(f, m);
    g = step(g, m);
    h = step(h, m);

    a = step(a, m);
    b = step(b, m);
    c = step(c, m);
    d = step(d, m);
    e = step(e, m);
    f = step(f, m);
    g = step(g, m);
    h = step(h, m);

    a = step(a, m);
    b = step(b, m);
    c = step(c, m);
    d = step(d, m);
    e = step(e, m);
    f = step(f, m);
    g = step(g, m);
    h = step(h, m);
  }
  let s = a + b + c + d + e + f + g + h;
  if ((s.x ^ s.y ^ s.z ^ s.w) == 0x1e3779b9) {
    y[0] = u32(s.x);
  }
}
