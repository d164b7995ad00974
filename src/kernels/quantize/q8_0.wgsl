// Q8_0: a scale, and 32 bytes with signs: w = d * level.

fn pack(x: Block) {
  let size = largest_of(x).size;
  check_size(size);
  let scale = div(bitcast<f32>(size), 127.0);
  var inverse = 0.0;
  if (size != 0u) {
    inverse = div(1.0, scale);
  }
  put16(to_half(scale));
  put_levels(x.a, inverse);
  put_levels(x.b, inverse);
  put_levels(x.c, inverse);
  put_levels(x.d, inverse);
  put_levels(x.e, inverse);
  put_levels(x.f, inverse);
  put_levels(x.g, inverse);
  put_levels(x.h, inverse);
}

fn put_levels(x: vec4u, inverse: f32) {
  let v = mul4(bitcast<vec4f>(x), vec4f(inverse));
  let size = abs(v);
  let whole = floor(size);
  // Halves go away from 0.
  let level = vec4i(whole) +
    select(vec4i(0), vec4i(1), size - whole >= vec4f(0.5));
  let signed = select(level, -level, v < vec4f(0.0));
  put32(bytes_of(vec4u(signed) & vec4u(255u)));
}
