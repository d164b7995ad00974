// Appends to a KV cache in int8, rounded as ggml does: the scale is the largest
// value over 127, the quotient goes to the nearest integer and the scale, behind
// that, to f16. See kv_f32_write.wgsl.

fn group_scale(at: u32, group: u32) -> f32 {
  var most = vec4f(0.0);
  for (var i = 8u * group; i < 8u * group + 8u; i++) {
    most = max(most, abs(fresh_quad(at, i)));
  }
  let pair = max(most.xy, most.zw);
  return max(pair.x, pair.y) / 127.0;
}

// Half away from zero, which WGSL's round() is not.
fn nearest(x: vec4f) -> vec4i {
  return vec4i(sign(x) * floor(abs(x) + 0.5));
}

fn fresh_octet(at: u32, o: u32, scale: f32) -> vec2u {
  let inverse = select(0.0, 1.0 / scale, scale > 0.0);
  return vec2u(
    pack4xI8(nearest(fresh_quad(at, 2u * o) * inverse)),
    pack4xI8(nearest(fresh_quad(at, 2u * o + 1u) * inverse)),
  );
}

fn rounded_octet(at: u32, o: u32) -> Octet {
  let scale = group_scale(at, o / 4u);
  let stored = unpack2x16float(pack2x16float(vec2f(scale, 0.0))).x;
  return scaled_octet(fresh_octet(at, o, scale), stored);
}

fn scale_word(scales: vec4f) -> vec2u {
  return vec2u(pack2x16float(scales.xy), pack2x16float(scales.zw));
}

// The scales of the four groups of a span, zero past the head's end.
fn fresh_scales(at: u32, span: u32) -> vec2u {
  var scales = vec4f(0.0);
  for (var group = 4u * span; group < 4u * span + 4u; group++) {
    scales = vec4f(scales.yzw, group_scale(at, group));
  }
  return scale_word(scales);
}

fn write_key(base: u32, at: u32, o: u32) {
  k[base + o] = fresh_octet(at, o, group_scale(at, o / 4u));
  if (o % SPAN == 0u) {
    k[base + value_words() + o / SPAN] = fresh_scales(at, o / SPAN);
  }
}

fn write_value(base: u32, at: u32, o: u32) {
  v[base + o] = fresh_octet(at, o, group_scale(at, o / 4u));
  if (o % SPAN == 0u) {
    v[base + value_words() + o / SPAN] = fresh_scales(at, o / SPAN);
  }
}

fn write_key_span(base: u32, at: u32, span: u32) {
  var scales = vec4f(0.0);
  for (var group = 4u * span; group < 4u * span + 4u; group++) {
    let scale = group_scale(at, group);
    scales = vec4f(scales.yzw, scale);
    for (var o = 4u * group; o < min(4u * group + 4u, value_words()); o++) {
      k[base + o] = fresh_octet(at, o, scale);
    }
  }
  k[base + value_words() + span] = scale_word(scales);
}

fn write_value_span(base: u32, at: u32, span: u32) {
  var scales = vec4f(0.0);
  for (var group = 4u * span; group < 4u * span + 4u; group++) {
    let scale = group_scale(at, group);
    scales = vec4f(scales.yzw, scale);
    for (var o = 4u * group; o < min(4u * group + 4u, value_words()); o++) {
      v[base + o] = fresh_octet(at, o, scale);
    }
  }
  v[base + value_words() + span] = scale_word(scales);
}
