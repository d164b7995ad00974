// What fit_affine.wgsl does with a group of 16: one quad after the other.

fn total_up(x: Group, size: f32) -> Totals {
  var totals = Totals(0.0, 0.0, 0.0, x.a.x);
  totals = total_quad(totals, x.a, size);
  totals = total_quad(totals, x.b, size);
  totals = total_quad(totals, x.c, size);
  return total_quad(totals, x.d, size);
}

fn sum_up(x: Group, size: f32, trial: Try) -> Sums {
  var sums = Sums(0.0, 0.0, 0.0);
  sums = sum_quad(sums, x.a, size, trial);
  sums = sum_quad(sums, x.b, size, trial);
  sums = sum_quad(sums, x.c, size, trial);
  return sum_quad(sums, x.d, size, trial);
}

fn error_of(x: Group, size: f32, trial: Try, line: Line) -> f32 {
  var error = 0.0;
  error = error_quad(error, x.a, size, trial, line);
  error = error_quad(error, x.b, size, trial, line);
  error = error_quad(error, x.c, size, trial, line);
  return error_quad(error, x.d, size, trial, line);
}
