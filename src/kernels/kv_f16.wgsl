// KV cache in f16: eight values of a head are one vec4u. The conversions are
// core WGSL and need no shader-f16. Joined as kv_f32.wgsl is.

alias KvWord = vec4u;

const SPAN = 1u;

// Octets that a head is padded to a multiple of.
const GROUP = 1u;

struct Octet {
  lo: vec4f,
  hi: vec4f,
}

fn unpack_octet(w: vec4u) -> Octet {
  return Octet(
    vec4f(unpack2x16float(w.x), unpack2x16float(w.y)),
    vec4f(unpack2x16float(w.z), unpack2x16float(w.w)),
  );
}

fn key_octet(base: u32, o: u32) -> Octet {
  return unpack_octet(k[base + o]);
}

fn value_octet(base: u32, o: u32) -> Octet {
  return unpack_octet(v[base + o]);
}
