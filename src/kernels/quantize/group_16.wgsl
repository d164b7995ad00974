// The weights of a group of 16.

struct Group {
  a: vec4f,
  b: vec4f,
  c: vec4f,
  d: vec4f,
}

fn load(quad_at: u32) -> Group {
  return Group(
    bitcast<vec4f>(check(quad(quad_at))),
    bitcast<vec4f>(check(quad(quad_at + 1u))),
    bitcast<vec4f>(check(quad(quad_at + 2u))),
    bitcast<vec4f>(check(quad(quad_at + 3u))),
  );
}

// The weight that is farthest from 0.
fn largest_of(x: Group) -> Largest {
  var best = take_each(Largest(0u, 0u), bitcast<vec4u>(x.a));
  best = take_each(best, bitcast<vec4u>(x.b));
  best = take_each(best, bitcast<vec4u>(x.c));
  return take_each(best, bitcast<vec4u>(x.d));
}
