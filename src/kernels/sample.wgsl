// Samples a token: penalties, top-k, top-p, min-p, temperature, in this order,
// then a draw from what is left; see sampler.ts, which does the same on the CPU.
//
//   logits [rows, stride]  f32, penalized in place
//   counts [size]          u32, how often each token stands among the last ones
//   recent [1 + last_n]    u32, how many were taken note of, and the last ones
//   fines  [last_n + 1]    f32, what is taken off a logit for so many
//
// One workgroup. Probabilities are whole numbers (weight_of()), whose sums do not
// depend on an order: so every driver and the CPU draw the same token. Lanes take
// stretches of tokens that follow each other, as the draw goes by id.
// Joined behind choice.wgsl.

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> recent: array<u32>;
@group(0) @binding(6) var<storage, read> fines: array<f32>;

const LOG2_E = 1.44269504088896340736f;

// 2^-f = 1 - f (C1 - f (C2 - ...)), within 5e-7 for f from 0 to 1, in 2^-26.
const C1 = 46516304u;
const C2 = 16120547u;
const C3 = 3718465u;
const C4 = 627176u;
const C5 = 67400u;

// A token's logit weighs this much, or is one of equals.
const WEIGHTS = 0u;
const EQUALS = 1u;
const EQUAL_WEIGHTS = 2u;

// Of the tokens that are left: the least key, and the highest id that has it.
var<private> cut: vec2u;
// The least key by min-p.
var<private> least_key: u32;
// What amount_of() counts, and its logits' scale.
var<private> counted: u32;
var<private> scale: f32;
var<private> best_logit: f32;
var<private> first: u32;

var<workgroup> sums_high: array<u32, WORKGROUP_SIZE>;
var<workgroup> sums_low: array<u32, WORKGROUP_SIZE>;
var<workgroup> group_high: array<u32, 32>;
var<workgroup> group_low: array<u32, 32>;
var<workgroup> bins_high: array<atomic<u32>, 256>;
var<workgroup> bins_low: array<atomic<u32>, 256>;
// A lane, what is left of an amount (high, low), and an id.
var<workgroup> found: array<u32, 4>;

// (high, low) words of a + b.
fn add(a: vec2u, b: vec2u) -> vec2u {
  let low = a.y + b.y;
  return vec2u(a.x + b.x + select(0u, 1u, low < a.y), low);
}

fn subtract(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x - select(0u, 1u, a.y < b.y), a.y - b.y);
}

fn is_less(a: vec2u, b: vec2u) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// (high, low) words of a * b.
fn multiply(a: u32, b: u32) -> vec2u {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let rest = (middle & 0xffffu) + a0 * b1;
  return vec2u(a1 * b1 + (middle >> 16u) + (rest >> 16u), a * b);
}

// a * b / 2^26 of factors below 2^26, by halves of 13 bits.
fn multiply26(a: u32, b: u32) -> u32 {
  let a0 = a & 0x1fffu;
  let a1 = a >> 13u;
  let b0 = b & 0x1fffu;
  let b1 = b >> 13u;
  return a1 * b1 + ((a1 * b0 + a0 * b1 + ((a0 * b0) >> 13u)) >> 13u);
}

// 2^26 * 2^-d of d = (best - logit) * scale, in whole numbers.
fn weight_of(logit: f32) -> u32 {
  let d = min((best_logit - logit) * scale, 31.0);
  let fixed = u32(d * 67108864.0);
  let f = fixed & 0x3ffffffu;
  var p = C4 - multiply26(C5, f);
  p = C3 - multiply26(p, f);
  p = C2 - multiply26(p, f);
  p = C1 - multiply26(p, f);
  p = 0x4000000u - multiply26(p, f);
  return p >> (fixed >> 26u);
}

fn is_left(key: u32, id: u32) -> bool {
  return key >= least_key && (key > cut.x || (key == cut.x && id <= cut.y));
}

// What a token counts for.
fn amount_of(id: u32) -> u32 {
  let logit = logits[first + id];
  let key = key_of(logit);
  if (!is_left(key, id) || (counted != WEIGHTS && key != cut.x)) {
    return 0u;
  }
  if (counted == EQUALS) {
    return 1u;
  }
  return weight_of(logit);
}

fn stretch() -> u32 {
  return (params.size + WORKGROUP_SIZE - 1u) / WORKGROUP_SIZE;
}

// Adds up what all tokens count for, by lanes and by groups of 32 lanes.
fn sum_up(lane: u32) -> vec2u {
  let length = stretch();
  let start = lane * length;
  let end = min(start + length, params.size);
  var sum = vec2u(0u);
  for (var id = start; id < end; id++) {
    sum = add(sum, vec2u(0u, amount_of(id)));
  }
  workgroupBarrier(); // what was found before has been read
  sums_high[lane] = sum.x;
  sums_low[lane] = sum.y;
  workgroupBarrier();
  if (lane < 32u) {
    for (var group = lane; group * 32u < WORKGROUP_SIZE; group += 32u) {
      sum = vec2u(0u);
      for (var i = group * 32u; i < min(group * 32u + 32u, WORKGROUP_SIZE); i++) {
        sum = add(sum, vec2u(sums_high[i], sums_low[i]));
      }
      group_high[group] = sum.x;
      group_low[group] = sum.y;
    }
  }
  workgroupBarrier();
  sum = vec2u(0u);
  for (var group = 0u; group * 32u < WORKGROUP_SIZE; group++) {
    sum = add(sum, vec2u(group_high[group], group_low[group]));
  }
  return sum;
}

// The first token with which the tokens up to it count for `wanted`, from 1 to
// what sum_up() gave.
fn find(wanted: vec2u, lane: u32) -> u32 {
  if (lane == 0u) {
    var rest = wanted;
    var group = 0u;
    loop {
      let sum = vec2u(group_high[group], group_low[group]);
      if (!is_less(sum, rest)) {
        break;
      }
      rest = subtract(rest, sum);
      group++;
    }
    var i = group * 32u;
    loop {
      let sum = vec2u(sums_high[i], sums_low[i]);
      if (!is_less(sum, rest)) {
        break;
      }
      rest = subtract(rest, sum);
      i++;
    }
    found[0] = i;
    found[1] = rest.x;
    found[2] = rest.y;
  }
  workgroupBarrier();
  if (lane == found[0]) {
    var rest = vec2u(found[1], found[2]);
    var id = lane * stretch();
    loop {
      let amount = vec2u(0u, amount_of(id));
      if (!is_less(amount, rest)) {
        break;
      }
      rest = subtract(rest, amount);
      id++;
    }
    found[3] = id;
  }
  workgroupBarrier();
  return found[3];
}

// Keeps the best tokens that together count for `wanted`: finds their least key
// 8 bits at a time, then the last of those that have it.
fn keep_best(wanted: vec2u, count: bool, lane: u32) {
  var rest = wanted;
  var prefix = 0u;
  for (var shift = 32u; shift > 0u;) {
    shift -= 8u;
    for (var bin = lane; bin < 256u; bin += WORKGROUP_SIZE) {
      atomicStore(&bins_high[bin], 0u);
      atomicStore(&bins_low[bin], 0u);
    }
    workgroupBarrier();
    // The bits above, in two shifts: one by 32 would be none.
    for (var id = lane; id < params.size; id += WORKGROUP_SIZE) {
      let logit = logits[first + id];
      let key = key_of(logit);
      if (is_left(key, id) && (key >> shift >> 8u) == prefix) {
        let bin = (key >> shift) & 255u;
        if (count) {
          atomicAdd(&bins_low[bin], 1u);
        } else {
          // Of 13 bits each, so that 2^19 tokens do not overflow.
          let weight = weight_of(logit);
          if (weight > 0u) {
            atomicAdd(&bins_high[bin], weight >> 13u);
            atomicAdd(&bins_low[bin], weight & 0x1fffu);
          }
        }
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      var bin = 255u;
      loop {
        let high = atomicLoad(&bins_high[bin]);
        let sum = add(
          vec2u(high >> 19u, high << 13u),
          vec2u(0u, atomicLoad(&bins_low[bin])),
        );
        if (!is_less(sum, rest) || bin == 0u) {
          break;
        }
        rest = subtract(rest, sum);
        bin--;
      }
      found[0] = bin;
      found[1] = rest.x;
      found[2] = rest.y;
    }
    workgroupBarrier();
    prefix = (prefix << 8u) | found[0];
    rest = vec2u(found[1], found[2]);
    workgroupBarrier();
  }
  // A higher cut than the one before: all that have this key are left of it,
  // unless it is the same.
  let last = select(NONE, cut.y, prefix == cut.x);
  cut = vec2u(prefix, last);
  counted = select(EQUAL_WEIGHTS, EQUALS, count);
  let sum = sum_up(lane);
  if (is_less(rest, sum)) {
    cut.y = find(rest, lane);
  }
}

// Takes penalties off the logits of the last tokens.
fn penalize(lane: u32) {
  for (var id = lane; id < params.size; id += WORKGROUP_SIZE) {
    let count = counts[id];
    if (count > 0u) {
      let logit = logits[first + id];
      let scaled = logit *
        select(params.repeat, params.inverse_repeat, logit > 0.0);
      // Rounded here: a driver that fused both would differ from the others.
      let rounded = bitcast<f32>(bitcast<u32>(scaled) ^ params.zero);
      logits[first + id] = rounded - fines[count];
    }
  }
  storageBarrier();
}

fn take_note(id: u32) {
  let slot = 1u + recent[0] % params.last_n;
  if (recent[0] >= params.last_n) {
    counts[recent[slot]] -= 1u;
  }
  recent[slot] = id;
  recent[0] += 1u;
  counts[id] += 1u;
}

// Philox 2x32 of 10 rounds: the random numbers of a seed and a step.
fn random(seed: u32, step: u32) -> vec2u {
  var key = seed;
  var low = step;
  var high = 0u;
  for (var round = 0u; round < 10u; round++) {
    let product = multiply(low, 0xd256d193u);
    low = product.x ^ key ^ high;
    high = product.y;
    key += 0x9e3779b9u;
  }
  return vec2u(low, high);
}

// floor(a * b / 2^64)
fn multiply_high(a: vec2u, b: vec2u) -> vec2u {
  let low_high = multiply(a.y, b.x);
  let high_low = multiply(a.x, b.y);
  var middle = add(vec2u(0u, multiply(a.y, b.y).x), vec2u(0u, low_high.y));
  middle = add(middle, vec2u(0u, high_low.y));
  var sum = add(multiply(a.x, b.x), vec2u(0u, low_high.x));
  sum = add(sum, vec2u(0u, high_low.x));
  return add(sum, vec2u(0u, middle.x));
}

fn best_of_all(lane: u32) {
  var key = 0u;
  var best = NONE;
  for (var id = lane; id < params.size; id += WORKGROUP_SIZE) {
    let other = key_of(logits[first + id]);
    if (other > key) {
      key = other;
      best = id;
    }
  }
  reduce_best(key, best, lane);
}

// Draws among the tokens that are left.
fn draw(lane: u32) -> u32 {
  best_logit = logit_of(best_key[0]);
  cut = vec2u(0u, NONE);
  least_key = 0u;
  scale = LOG2_E;
  if (params.top_k > 0u && params.top_k < params.size) {
    keep_best(vec2u(0u, params.top_k), true, lane);
  }
  if (params.top_p > 0u) {
    counted = WEIGHTS;
    let sum = sum_up(lane);
    var wanted = add(
      multiply(sum.x, params.top_p),
      vec2u(0u, multiply(sum.y, params.top_p).x),
    );
    wanted.y = select(wanted.y, 1u, all(wanted == vec2u(0u)));
    keep_best(wanted, false, lane);
  }
  least_key = key_of(best_logit + params.least);
  scale = params.scale;
  counted = WEIGHTS;
  let sum = sum_up(lane);
  let number = random(params.seed, control[STEP]);
  let wanted = add(multiply_high(sum, number), vec2u(0u, 1u));
  return find(wanted, lane);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  first = first_logit();
  let alive = control[ALIVE] != 0u;
  workgroupBarrier(); // choose() changes it
  if (!alive) {
    if (lane == 0u) {
      choose_none();
    }
    return;
  }
  if (params.last_n > 0u) {
    penalize(lane);
  }
  best_of_all(lane);
  let best = best_key[0];
  // Nothing can be drawn where the best logit is infinite.
  let is_finite = best > 0x007fffffu && best < 0xff800000u;
  let broken = best == NAN_KEY || (params.scale > 0.0 && !is_finite);
  var id = select(best_id[0], NOT_A_NUMBER, broken);
  if (params.scale > 0.0 && !broken) {
    id = draw(lane);
  }
  workgroupBarrier();
  if (lane == 0u) {
    if (params.last_n > 0u && !broken) {
      take_note(id);
    }
    choose(id);
  }
}
