// Sums over a group of 16 that stands in levels on both sides of 0; the
// importance of a weight is its square.

// Levels go from -HALF to HALF - 1.
override HALF: i32 ;

// Sums of weight^2 * level * weight and of weight^2 * level^2.
struct Sums {
  xl: f32,
  l2: f32,
}

fn level_of(v: vec4f) -> vec4i {
  return clamp(nearest4(v), vec4i(-HALF), vec4i(HALF - 1));
}

fn sum_quad(sums: Sums, x: vec4f, inverse: f32) -> Sums {
  let level = vec4f(level_of(mul4(vec4f(inverse), x)));
  let w = mul4(x, x);
  return Sums(
    add_each(sums.xl, mul4(mul4(w, x), level)),
    add_each(sums.l2, mul4(mul4(w, level), level)),
  );
}

fn sum_up(x: Group, inverse: f32) -> Sums {
  var sums = sum_quad(Sums(0.0, 0.0), x.a, inverse);
  sums = sum_quad(sums, x.b, inverse);
  sums = sum_quad(sums, x.c, inverse);
  return sum_quad(sums, x.d, inverse);
}
