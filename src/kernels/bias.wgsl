// Adds to the logits of some tokens, before one is chosen:
//
//   logits[row, id] += bias
//
//   logits [rows, stride]  f32, changed in place
//   biases [1 + 2 * size]  u32, how many there are, and of each its id, which no
//                          other has, and the bits of its f32
//
// One workgroup: it is a few tokens mostly.
// Joined behind choice.wgsl.

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read> biases: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let first = first_logit();
  for (var i = lane; i < biases[0]; i += WORKGROUP_SIZE) {
    let id = biases[1u + 2u * i];
    logits[first + id] += bitcast<f32>(biases[2u + 2u * i]);
  }
}
