// Streaming read, the ceiling of a kernel that waits for memory: every 16-byte
// word of a buffer once, and no work on it.
//
//   y [n]        u32     written only where a sum comes out as a magic number
//   x [groups, 16, WORKGROUP_SIZE] vec4u
//
// Each lane reads 16 words a workgroup's width apart, so that neighbours read
// neighbouring words; or, where CONSECUTIVE says so, 16 that follow each other,
// which suits drivers whose lanes read one after the other. All 16 are on their
// way before any is used.

override WORKGROUP_SIZE: u32 = 64u;
override CONSECUTIVE: bool = false;

@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4u>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = select(WORKGROUP_SIZE, 1u, CONSECUTIVE);
  let group = workgroup.x + workgroup.y * workgroups.x;
  let i = group * 16u * WORKGROUP_SIZE + lane * select(1u, 16u, CONSECUTIVE);
  let a = x[i];
  let b = x[i + n];
  let c = x[i + 2u * n];
  let d = x[i + 3u * n];
  let e = x[i + 4u * n];
  let f = x[i + 5u * n];
  let g = x[i + 6u * n];
  let h = x[i + 7u * n];
  let j = x[i + 8u * n];
  let k = x[i + 9u * n];
  let l = x[i + 10u * n];
  let m = x[i + 11u * n];
  let o = x[i + 12u * n];
  let p = x[i + 13u * n];
  let q = x[i + 14u * n];
  let r = x[i + 15u * n];
  let s = (a ^ b ^ c ^ d) ^ (e ^ f ^ g ^ h) ^ (j ^ k ^ l ^ m) ^ (o ^ p ^ q ^ r);
  if ((s.x ^ s.y ^ s.z ^ s.w) == 0x9e3779b9u) {
    y[lane] = s.x;
  }
}
