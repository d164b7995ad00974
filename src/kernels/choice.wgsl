// The choice of the next token: what argmax.wgsl and sample.wgsl share.
//
//   control [128 + batch]  u32, the words of control.ts; behind them those of
//                          each part, of which params.lane is one
//   chosen  [tokens]       u32, the ids in the order they were chosen
//
// Logits are compared as whole numbers in the same order, so that every driver
// and the CPU (sampler.ts) agree to the bit; of equal ones the lower id wins.

struct Params {
  size: u32, // tokens to choose among
  stride: u32, // logits of a row
  seed: u32,
  top_k: u32, // 0 is all
  top_p: u32, // in 2^-32, of which 0 is all
  least: f32, // of the best logit, added to it: min-p
  scale: f32, // log2(e) / temperature, 0 is greedy
  last_n: u32, // tokens that are penalized, 0 is none
  repeat: f32,
  inverse_repeat: f32,
  zero: u32, // 0, which the compiler must not know
  lane: u32, // where the words of the batch's part begin, 0 where it has but one
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(1) var<storage, read_write> control: array<u32>;
@group(0) @binding(2) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

// Words of control, or of a part.
const ROWS = 0u;
const POSITION = 1u;
const ROW = 4u; // of the logits
const STEP = 5u; // tokens chosen since the generation began
const CHOSEN = 6u; // and since the chunk began
const ALIVE = 7u; // whether all guesses so far were right
// Words of control.
const HEAD_ROWS = 64u;
const HEAD_FIRST = 66u;
const TOKENS = 128u;

// Instead of an id: behind a wrong guess, and where a logit is no number.
const NONE = 0xffffffffu;
const NOT_A_NUMBER = 0xfffffffeu;

// The key of a NaN, above that of every number.
const NAN_KEY = 0xffffffffu;

fn key_of(logit: f32) -> u32 {
  let bits = bitcast<u32>(logit);
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) {
    return NAN_KEY;
  }
  if (size == 0u) {
    return 0x80000000u; // -0 is 0
  }
  return select(bits | 0x80000000u, ~bits, bits > 0x7fffffffu);
}

fn logit_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key > 0x7fffffffu));
}

fn first_logit() -> u32 {
  return control[params.lane + ROW] * params.stride;
}

fn is_alive() -> bool {
  return control[params.lane + ALIVE] != 0u;
}

fn write_chosen(id: u32) {
  chosen[control[params.lane + CHOSEN]] = id;
  control[params.lane + CHOSEN] += 1u;
}

// Takes note of a token: for the reader, and as the next step's input, or
// against the guess that stands there.
fn choose(id: u32) {
  write_chosen(id);
  control[params.lane + STEP] += 1u;
  if (params.lane > 0u) {
    control[params.lane + POSITION] += 1u; // a part that goes on has one row
    control[TOKENS + control[params.lane + ROW]] = id;
    return;
  }
  if (control[HEAD_ROWS] == 1u) {
    control[POSITION] += control[ROWS];
    control[ROWS] = 1u;
    control[HEAD_FIRST] = 0u;
    control[TOKENS] = id;
    return;
  }
  let row = control[ROW] + 1u;
  control[ROW] = row;
  if (row < control[ROWS] && control[TOKENS + row] != id) {
    control[ALIVE] = 0u;
  }
}

// Takes note that no token follows a wrong guess.
fn choose_none() {
  write_chosen(NONE);
}

var<workgroup> best_key: array<u32, WORKGROUP_SIZE>;
var<workgroup> best_id: array<u32, WORKGROUP_SIZE>;

// The best (key, id) of all lanes, left in the first one's place.
fn reduce_best(key: u32, id: u32, lane: u32) {
  best_key[lane] = key;
  best_id[lane] = id;
  workgroupBarrier();
  for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      let other = best_key[lane + stride];
      let other_id = best_id[lane + stride];
      let mine = best_key[lane];
      if (other > mine || (other == mine && other_id < best_id[lane])) {
        best_key[lane] = other;
        best_id[lane] = other_id;
      }
    }
    workgroupBarrier();
  }
}
