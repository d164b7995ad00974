// Appends to a KV cache in f32. Joined behind kv_f32.wgsl to kernels with
//
//   fn fresh_quad(at, i) -> vec4f    quad i of the new head that `at` names

// What the cache makes of octet o.
fn rounded_octet(at: u32, o: u32) -> Octet {
  return Octet(fresh_quad(at, 2u * o), fresh_quad(at, 2u * o + 1u));
}

fn write_key(base: u32, at: u32, o: u32) {
  let i = base + 2u * o;
  k[i] = fresh_quad(at, 2u * o);
  k[i + 1u] = fresh_quad(at, 2u * o + 1u);
}

fn write_value(base: u32, at: u32, o: u32) {
  let i = base + 2u * o;
  v[i] = fresh_quad(at, 2u * o);
  v[i + 1u] = fresh_quad(at, 2u * o + 1u);
}

fn write_key_span(base: u32, at: u32, span: u32) {
  write_key(base, at, span);
}

fn write_value_span(base: u32, at: u32, span: u32) {
  write_value(base, at, span);
}
