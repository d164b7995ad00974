// IQ4_NL: a scale, and 32 nibbles that stand for points of a curve:
// w = d * point[level].

fn pack(block: Block) {
  let x = Group(
    bitcast<vec4f>(check(block.a)),
    bitcast<vec4f>(check(block.b)),
    bitcast<vec4f>(check(block.c)),
    bitcast<vec4f>(check(block.d)),
    bitcast<vec4f>(check(block.e)),
    bitcast<vec4f>(check(block.f)),
    bitcast<vec4f>(check(block.g)),
    bitcast<vec4f>(check(block.h)),
  );
  let scale = fit_curve(x);
  let inverse = inverse_of(scale);
  put16(to_half(scale));
  let low = vec4u(
    levels_of(x.a, inverse),
    levels_of(x.b, inverse),
    levels_of(x.c, inverse),
    levels_of(x.d, inverse),
  );
  let high = vec4u(
    levels_of(x.e, inverse),
    levels_of(x.f, inverse),
    levels_of(x.g, inverse),
    levels_of(x.h, inverse),
  );
  put_nibbles(low, high);
}
