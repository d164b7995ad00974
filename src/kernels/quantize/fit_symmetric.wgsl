// The scale that stands for 16 weights best, in levels on both sides of 0: the
// least-squares fit of each of 19 scales around that of the largest weight.
// As fit_symmetric.ts.

struct SymmetricFit {
  scale: f32,
  // One over the scale that the levels come from.
  inverse: f32,
}

fn fit_symmetric(x: Group) -> SymmetricFit {
  let largest = largest_of(x);
  check_largest(largest.size);
  if (largest.size == 0u) {
    return SymmetricFit(0.0, 0.0);
  }
  let end = bitcast<f32>(largest.bits);
  var found = SymmetricFit(0.0, 0.0);
  var best = 0.0;
  // The first try is that of the largest weight itself.
  for (var i = 0; i < 19; i++) {
    let k = select(i - 10, i - 9, i > 9);
    let step = select(f32(k), 0.0, i == 0);
    let top = add(f32(HALF), mul(0.1, step));
    let inverse = div(-top, end);
    let sums = sum_up(x, inverse);
    if (
      i == 0 || (sums.l2 > 0.0 && mul(sums.xl, sums.xl) > mul(best, sums.l2))
    ) {
      found.inverse = inverse;
      found.scale = 0.0;
      if (sums.l2 != 0.0) {
        found.scale = div(sums.xl, sums.l2);
      }
      best = mul(found.scale, sums.xl);
    }
  }
  return found;
}
