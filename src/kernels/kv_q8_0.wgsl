// KV cache in int8, as ggml's Q8_0: groups of 32 values share an f16 scale. A
// head is padded to whole groups; its words are those of all its values, eight
// in a vec2u, and behind them those of its scales, four in a vec2u. Joined as
// kv_f32.wgsl is.

alias KvWord = vec2u;

// One word of scales.
const SPAN = 16u;

// Octets that a head is padded to a multiple of.
const GROUP = 4u;

struct Octet {
  lo: vec4f,
  hi: vec4f,
}

fn scaled_octet(w: vec2u, scale: f32) -> Octet {
  return Octet(
    vec4f(unpack4xI8(w.x)) * scale,
    vec4f(unpack4xI8(w.y)) * scale,
  );
}

// The scale of octet o, of the word that holds it.
fn scale_in(w: vec2u, o: u32) -> f32 {
  let pair = unpack2x16float(select(w.x, w.y, (o & 8u) != 0u));
  return select(pair.x, pair.y, (o & 4u) != 0u);
}

// Words of a head before its scales.
fn value_words() -> u32 {
  return (params.octets + 3u) & ~3u;
}

fn key_octet(base: u32, o: u32) -> Octet {
  let scales = k[base + value_words() + o / SPAN];
  return scaled_octet(k[base + o], scale_in(scales, o));
}

fn value_octet(base: u32, o: u32) -> Octet {
  let scales = v[base + value_words() + o / SPAN];
  return scaled_octet(v[base + o], scale_in(scales, o));
}
