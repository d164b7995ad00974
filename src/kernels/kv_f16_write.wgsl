// Appends to a KV cache in f16; see kv_f32_write.wgsl.

fn fresh_octet(at: u32, o: u32) -> vec4u {
  let lo = fresh_quad(at, 2u * o);
  let hi = fresh_quad(at, 2u * o + 1u);
  return vec4u(
    pack2x16float(lo.xy),
    pack2x16float(lo.zw),
    pack2x16float(hi.xy),
    pack2x16float(hi.zw),
  );
}

fn rounded_octet(at: u32, o: u32) -> Octet {
  return unpack_octet(fresh_octet(at, o));
}

fn write_key(base: u32, at: u32, o: u32) {
  k[base + o] = fresh_octet(at, o);
}

fn write_value(base: u32, at: u32, o: u32) {
  v[base + o] = fresh_octet(at, o);
}

fn write_key_span(base: u32, at: u32, span: u32) {
  write_key(base, at, span);
}

fn write_value_span(base: u32, at: u32, span: u32) {
  write_value(base, at, span);
}
