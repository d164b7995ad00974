// Forbids tokens: logits[row, i] = -1e38 where the bit of i is 0.
//
//   logits  [rows, stride]    f32
//   allowed [ceil(size / 32)] u32, bit i % 32 of word i / 32
//
// One lane a word: as a rule all of its tokens are allowed or most are not, and
// few workgroups are quick to start. Joined behind choice.wgsl.

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read> allowed: array<u32>;

// Far below every other logit, and finite: WGSL promises nothing about infinity.
const FORBIDDEN = -1e38f;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = id.x * 32u;
  if (first >= params.size) {
    return;
  }
  var forbidden = ~allowed[id.x];
  if (params.size - first < 32u) {
    forbidden &= (1u << (params.size - first)) - 1u;
  }
  let start = first_logit() + first;
  while (forbidden != 0u) {
    logits[start + countTrailingZeros(forbidden)] = FORBIDDEN;
    forbidden &= forbidden - 1u;
  }
}
