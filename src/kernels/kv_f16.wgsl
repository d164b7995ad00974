// KV cache in f16: four values of a head are one vec2u. The conversions are core
// WGSL and need no shader-f16.

alias KvQuad = vec2u;

fn pack_quad(v: vec4f) -> KvQuad {
  return vec2u(pack2x16float(v.xy), pack2x16float(v.zw));
}

fn unpack_quad(v: KvQuad) -> vec4f {
  return vec4f(unpack2x16float(v.x), unpack2x16float(v.y));
}
