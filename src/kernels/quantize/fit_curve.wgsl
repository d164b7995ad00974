// The scale of 32 weights whose 16 levels stand for points of a curve, as in
// IQ4_NL and IQ4_XS: the least-squares fit of each of 16 scales around that of
// the largest weight. The importance of a weight is its square. As iq4.ts.

// The point that is nearest to each number, the upper one of two. Points are
// reached by steps, as an index would copy a table.
fn point_of(v: vec4f) -> vec4f {
  let none = vec4f(0.0);
  var point = vec4f(-127.0);
  point += select(none, vec4f(23.0), v >= vec4f(-115.5));
  point += select(none, vec4f(21.0), v >= vec4f(-93.5));
  point += select(none, vec4f(18.0), v >= vec4f(-74.0));
  point += select(none, vec4f(16.0), v >= vec4f(-57.0));
  point += select(none, vec4f(14.0), v >= vec4f(-42.0));
  point += select(none, vec4f(13.0), v >= vec4f(-28.5));
  point += select(none, vec4f(12.0), v >= vec4f(-16.0));
  point += select(none, vec4f(11.0), v >= vec4f(-4.5));
  point += select(none, vec4f(12.0), v >= vec4f(7.0));
  point += select(none, vec4f(12.0), v >= vec4f(19.0));
  point += select(none, vec4f(13.0), v >= vec4f(31.5));
  point += select(none, vec4f(15.0), v >= vec4f(45.5));
  point += select(none, vec4f(16.0), v >= vec4f(61.0));
  point += select(none, vec4f(20.0), v >= vec4f(79.0));
  point += select(none, vec4f(24.0), v >= vec4f(101.0));
  return point;
}

// The level of that point.
fn level_of(v: vec4f) -> vec4u {
  let none = vec4u(0u);
  var level = none;
  level += select(none, vec4u(1u), v >= vec4f(-115.5));
  level += select(none, vec4u(1u), v >= vec4f(-93.5));
  level += select(none, vec4u(1u), v >= vec4f(-74.0));
  level += select(none, vec4u(1u), v >= vec4f(-57.0));
  level += select(none, vec4u(1u), v >= vec4f(-42.0));
  level += select(none, vec4u(1u), v >= vec4f(-28.5));
  level += select(none, vec4u(1u), v >= vec4f(-16.0));
  level += select(none, vec4u(1u), v >= vec4f(-4.5));
  level += select(none, vec4u(1u), v >= vec4f(7.0));
  level += select(none, vec4u(1u), v >= vec4f(19.0));
  level += select(none, vec4u(1u), v >= vec4f(31.5));
  level += select(none, vec4u(1u), v >= vec4f(45.5));
  level += select(none, vec4u(1u), v >= vec4f(61.0));
  level += select(none, vec4u(1u), v >= vec4f(79.0));
  level += select(none, vec4u(1u), v >= vec4f(101.0));
  return level;
}

// Sums of weight^2 * point * weight and of weight^2 * point^2.
struct Sums {
  qx: f32,
  q2: f32,
}

fn sum_quad(sums: Sums, x: vec4f, inverse: f32) -> Sums {
  let point = point_of(mul4(vec4f(inverse), x));
  let wq = mul4(mul4(x, x), point);
  return Sums(
    add_each(sums.qx, mul4(wq, x)),
    add_each(sums.q2, mul4(wq, point)),
  );
}

fn sum_up(x: Group, inverse: f32) -> Sums {
  var sums = sum_quad(Sums(0.0, 0.0), x.a, inverse);
  sums = sum_quad(sums, x.b, inverse);
  sums = sum_quad(sums, x.c, inverse);
  sums = sum_quad(sums, x.d, inverse);
  sums = sum_quad(sums, x.e, inverse);
  sums = sum_quad(sums, x.f, inverse);
  sums = sum_quad(sums, x.g, inverse);
  return sum_quad(sums, x.h, inverse);
}

fn fit_curve(x: Group) -> f32 {
  let largest = largest_of(x);
  check_largest(largest.size);
  if (largest.size == 0u) {
    return 0.0;
  }
  let end = bitcast<f32>(largest.bits);
  var scale = 0.0;
  var best = 0.0;
  // The first try is that of the largest weight at the first point.
  for (var k = -8; k < 8; k++) {
    var inverse = div(f32(k - 127), end);
    if (k == -8) {
      inverse = div(1.0, div(end, 127.0));
    }
    let sums = sum_up(x, inverse);
    let is_first = k == -8;
    if (
      sums.q2 > 0.0 &&
      (is_first || mul(sums.qx, sums.qx) > mul(best, sums.q2))
    ) {
      scale = div(sums.qx, sums.q2);
      best = mul(scale, sums.qx);
    }
  }
  return scale;
}

// Four levels in the nearest bytes, by one over the scale.
fn levels_of(x: vec4f, inverse: f32) -> u32 {
  return bytes_of(level_of(mul4(vec4f(inverse), x)));
}

// One over what is 0 where that is.
fn inverse_of(scale: f32) -> f32 {
  if (scale == 0.0) {
    return 0.0;
  }
  return div(1.0, scale);
}
