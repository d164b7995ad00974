// KV cache in f32: four values of a head are one vec4f.

alias KvQuad = vec4f;

fn pack_quad(v: vec4f) -> KvQuad {
  return v;
}

fn unpack_quad(v: KvQuad) -> vec4f {
  return v;
}
