// The levels of a group in a format with scales and minimums.

// The nearest to the line as it was rounded, or as they were found.
fn levels_of(x: vec4f, line: Line, found: Try) -> u32 {
  if (line.scale == 0.0) {
    return bytes_of(vec4u(level_of(x, found)));
  }
  let v = div_each(add4(x, vec4f(line.least)), line.scale);
  return bytes_of(vec4u(clamp(nearest4(v), vec4i(0), vec4i(MOST))));
}
