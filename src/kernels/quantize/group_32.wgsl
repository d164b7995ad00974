// The weights of a group of 32.

struct Group {
  a: vec4f,
  b: vec4f,
  c: vec4f,
  d: vec4f,
  e: vec4f,
  f: vec4f,
  g: vec4f,
  h: vec4f,
}

fn load(quad_at: u32) -> Group {
  return Group(
    bitcast<vec4f>(check(quad(quad_at))),
    bitcast<vec4f>(check(quad(quad_at + 1u))),
    bitcast<vec4f>(check(quad(quad_at + 2u))),
    bitcast<vec4f>(check(quad(quad_at + 3u))),
    bitcast<vec4f>(check(quad(quad_at + 4u))),
    bitcast<vec4f>(check(quad(quad_at + 5u))),
    bitcast<vec4f>(check(quad(quad_at + 6u))),
    bitcast<vec4f>(check(quad(quad_at + 7u))),
  );
}

// The weight that is farthest from 0.
fn largest_of(x: Group) -> Largest {
  var best = take_each(Largest(0u, 0u), bitcast<vec4u>(x.a));
  best = take_each(best, bitcast<vec4u>(x.b));
  best = take_each(best, bitcast<vec4u>(x.c));
  best = take_each(best, bitcast<vec4u>(x.d));
  best = take_each(best, bitcast<vec4u>(x.e));
  best = take_each(best, bitcast<vec4u>(x.f));
  best = take_each(best, bitcast<vec4u>(x.g));
  return take_each(best, bitcast<vec4u>(x.h));
}

// The sum of squares, in order.
fn squares_of(x: Group) -> f32 {
  var sum = add_each(0.0, mul4(x.a, x.a));
  sum = add_each(sum, mul4(x.b, x.b));
  sum = add_each(sum, mul4(x.c, x.c));
  sum = add_each(sum, mul4(x.d, x.d));
  sum = add_each(sum, mul4(x.e, x.e));
  sum = add_each(sum, mul4(x.f, x.f));
  sum = add_each(sum, mul4(x.g, x.g));
  return add_each(sum, mul4(x.h, x.h));
}
