// The scale and the minimum that stand for a group of weights best,
// w = scale * level + least: those of the outermost weights first, then the
// least-squares fit of each of some scales around it. As fit_affine.ts.

// What is added to MOST at the first try, and from one to the next.
override FIRST: f32;
override STEP: f32;
// The last try.
override TRIES: i32;

struct AffineFit {
  line: Line,
  // What the levels come from.
  trial: Try,
}

fn fit_affine(x: Group, size: f32) -> AffineFit {
  let totals = total_up(x, size);
  let most = totals.most;
  var found: AffineFit;
  found.line = Line(0.0, totals.least);
  found.trial = Try(0.0, totals.least);
  if (most <= totals.least) {
    return found;
  }
  let inverse = div(f32(MOST), sub_sure(most, totals.least));
  found.line.scale = div(1.0, inverse);
  found.trial.inverse = inverse;
  var best = 0.0;
  // Before the others the try of the outermost weights, with what it stands for.
  for (var k = -1; k <= TRIES; k++) {
    var line = found.line;
    var trial = found.trial;
    if (k >= 0) {
      let top = add(add(FIRST, mul(STEP, f32(k))), f32(MOST));
      let least = found.line.least;
      trial = Try(div(top, sub_sure(most, least)), least);
      let sums = sum_up(x, size, trial);
      let d = sub_sure(mul_sure(totals.w, sums.l2), mul_sure(sums.l, sums.l));
      if (!(d > 0.0)) {
        continue;
      }
      let xl = mul_sure(totals.w, sums.xl);
      let l2 = mul_sure(sums.l2, totals.x);
      line.scale = div(sub_sure(xl, mul_sure(totals.x, sums.l)), d);
      line.least = div(sub_sure(l2, mul_sure(sums.l, sums.xl)), d);
      if (line.least > 0.0) {
        line.least = 0.0;
        line.scale = div(sums.xl, sums.l2);
      }
    }
    let error = error_of(x, size, trial, line);
    if (k < 0 || error < best) {
      best = error;
      found.line = line;
      found.trial = trial;
    }
  }
  return found;
}
