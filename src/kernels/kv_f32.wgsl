// KV cache in f32: eight values of a head are two vec4f. Joined to kernels that
// declare the caches k and v, and params with the words of a head.

alias KvWord = vec4f;

// Octets of a head that are written by one invocation of rope.wgsl.
const SPAN = 1u;

// Octets that a head is padded to a multiple of.
const GROUP = 1u;

// Eight values of a head.
struct Octet {
  lo: vec4f,
  hi: vec4f,
}

// Octet o of the head whose words begin at `base`.
fn key_octet(base: u32, o: u32) -> Octet {
  let i = base + 2u * o;
  return Octet(k[i], k[i + 1u]);
}

fn value_octet(base: u32, o: u32) -> Octet {
  let i = base + 2u * o;
  return Octet(v[i], v[i + 1u]);
}
