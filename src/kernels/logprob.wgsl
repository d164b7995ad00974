// What the logits of a row say of one token t:
//
//   logprob = logit[t] - most - log(sum of exp(logit - most))
//   rank    = how many tokens are likelier; of equals, those with a lower id are
//
// The parts of logprob are left for the CPU to put together in f64.
//
//   logits   [rows, stride]  f32
//   jobs     [jobs]          (row, t)
//   results  [jobs]          bits of (most, sum, logit[t]), and rank
//
// One workgroup a job. Lanes take every WORKGROUP_SIZE-th logit, eight loads
// before the loop goes round, as their latency is what it waits for; the eight
// are added up before they are added to the rest, so that sums stay short.

struct Params {
  stride: u32, // logits of a row: all of them count for the sum
  size: u32, // tokens that have a rank, from the first on
}

struct Range {
  first: u32, // job
  count: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> jobs: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> results: array<vec4u>;
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<uniform> range: Range;

var<workgroup> most_of: array<f32, WORKGROUP_SIZE>;
var<workgroup> sum_of: array<f32, WORKGROUP_SIZE>;
var<workgroup> rank_of: array<u32, WORKGROUP_SIZE>;

// The rank where a logit is no number.
const NOT_A_NUMBER = 0xffffffffu;

// Less than any logit, and finite also where exp() multiplies it.
const LEAST = -1.0e38;

var<private> start: u32; // of the row
var<private> id: u32;
var<private> own: f32; // its logit
var<private> rank: u32;

// The logit of token i, or LEAST behind the last one.
fn take(i: u32) -> f32 {
  if (i >= params.stride) {
    return LEAST;
  }
  let x = logits[start + i];
  if ((bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u) {
    rank = NOT_A_NUMBER;
  } else if (rank != NOT_A_NUMBER && i < params.size) {
    rank += u32(x > own || (x == own && i < id));
  }
  return x;
}

fn weight(x: f32, most: f32) -> f32 {
  return select(0.0, exp(x - most), x > LEAST);
}

fn weights(x: vec4f, most: f32) -> f32 {
  return (weight(x.x, most) + weight(x.y, most)) +
    (weight(x.z, most) + weight(x.w, most));
}

// What a sum of weights shrinks by as the largest logit rises.
fn decay(before: f32, after: f32) -> f32 {
  return select(1.0, exp(before - after), before < after);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = workgroup.x + workgroup.y * workgroups.x;
  if (index >= range.count) {
    return;
  }
  let job = jobs[range.first + index];
  start = job.x * params.stride;
  id = job.y;
  own = logits[start + id];
  var most = LEAST;
  var sum = 0.0;
  for (var i = lane; i < params.stride; i += 8u * WORKGROUP_SIZE) {
    let a = vec4f(
      take(i),
      take(i + WORKGROUP_SIZE),
      take(i + 2u * WORKGROUP_SIZE),
      take(i + 3u * WORKGROUP_SIZE),
    );
    let b = vec4f(
      take(i + 4u * WORKGROUP_SIZE),
      take(i + 5u * WORKGROUP_SIZE),
      take(i + 6u * WORKGROUP_SIZE),
      take(i + 7u * WORKGROUP_SIZE),
    );
    let both = max(a, b);
    let next = max(most, max(max(both.x, both.y), max(both.z, both.w)));
    sum = fma(sum, decay(most, next), weights(a, next) + weights(b, next));
    most = next;
  }

  most_of[lane] = most;
  sum_of[lane] = sum;
  rank_of[lane] = rank;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = most_of[lane + half];
      let next = max(most_of[lane], other);
      sum_of[lane] = fma(
        sum_of[lane],
        decay(most_of[lane], next),
        sum_of[lane + half] * decay(other, next),
      );
      most_of[lane] = next;
      let ranks = vec2u(rank_of[lane], rank_of[lane + half]);
      let bad = ranks.x == NOT_A_NUMBER || ranks.y == NOT_A_NUMBER;
      rank_of[lane] = select(ranks.x + ranks.y, NOT_A_NUMBER, bad);
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    results[range.first + index] = vec4u(
      bitcast<u32>(most_of[0]),
      bitcast<u32>(sum_of[0]),
      bitcast<u32>(own),
      rank_of[0],
    );
  }
}
