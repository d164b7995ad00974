// Attention of a batch, for prefill: rope.wgsl has rotated q and written k and v
// of every row to the cache.
//
//   q     [batch, heads, quads]       vec4f, two quads an octet
//   k, v  [context, kv_heads, words]  KvWord (kv_*.wgsl)

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<KvWord>;
@group(0) @binding(2) var<storage, read> v: array<KvWord>;
