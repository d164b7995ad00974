// What fit_affine.wgsl does with four weights of a group.

// The largest level.
override MOST: i32;
// Whether errors count by size (1); by their squares otherwise.
override ABSOLUTE: u32 = 0u;

// Sums over a group: of importance and of importance * weight; its ends.
struct Totals {
  w: f32,
  x: f32,
  least: f32,
  most: f32,
}

fn total_quad(totals: Totals, x: vec4f, size: f32) -> Totals {
  let w = weigh(x, size);
  return Totals(
    add_each(totals.w, w),
    add_each(totals.x, mul4(w, x)),
    min(totals.least, min(min(x.x, x.y), min(x.z, x.w))),
    max(totals.most, max(max(x.x, x.y), max(x.z, x.w))),
  );
}

// What the levels of a try come from.
struct Try {
  inverse: f32,
  least: f32,
}

// Sums of importance * level, importance * level^2, importance * level * weight.
struct Sums {
  l: f32,
  l2: f32,
  xl: f32,
}

// How much weights matter: the more the larger they are, and their group is.
fn weigh(x: vec4f, size: f32) -> vec4f {
  return add4(abs(x), vec4f(size));
}

fn level_of(x: vec4f, trial: Try) -> vec4i {
  let v = mul4(vec4f(trial.inverse), add4(x, vec4f(-trial.least)));
  return clamp(nearest4(v), vec4i(0), vec4i(MOST));
}

fn sum_quad(sums: Sums, x: vec4f, size: f32, trial: Try) -> Sums {
  let level = vec4f(level_of(x, trial));
  let wl = mul4(weigh(x, size), level);
  return Sums(
    add_each(sums.l, wl),
    add_each(sums.l2, mul4(wl, level)),
    add_each(sums.xl, mul4(wl, x)),
  );
}

// What the levels of a try stand for: scale * level + least.
struct Line {
  scale: f32,
  least: f32,
}

fn error_quad(error: f32, x: vec4f, size: f32, trial: Try, line: Line) -> f32 {
  let level = vec4f(level_of(x, trial));
  let point = add4(mul4(vec4f(line.scale), level), vec4f(line.least));
  let off = add4(point, -x);
  let w = weigh(x, size);
  var each = abs(off);
  if (ABSOLUTE == 0u) {
    each = mul4(off, off);
  }
  each = mul4(w, each);
  // What is too small counts as 0 on some devices.
  let differs = (point != x) & (w != vec4f(0.0));
  if (any(differs & (each < vec4f(0x1p-100)))) {
    unsure = true;
  }
  return add_each(error, each);
}
