// Samples a token: penalties, top-k, top-p, min-p, temperature, in this order,
// then a draw from what is left; see sample_cpu.ts, which does the same.
//
//   logits [rows, stride]  f32, penalized in place
//   counts [size]          u32, how often each token stands among the last ones
//   recent [1 + last_n]    u32, how many were taken note of, and the last ones
//   fines  [last_n + 1]    f32, what is taken off a logit for so many
//
// One workgroup. Probabilities are whole numbers (weight_of()), whose sums do not
// depend on an order: so every driver and the CPU leave the same tokens, and draw
// the same one. Lanes take stretches of tokens that follow each other to add up,
// as among equals the first ones stay.
// Joined behind choice.wgsl, fixed_point.wgsl and race.wgsl, in front of
// consider.wgsl.

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> recent: array<u32>;
@group(0) @binding(6) var<storage, read> fines: array<f32>;

const LOG2_E = 1.44269504088896340736f;

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

fn weight_of(logit: f32) -> u32 {
  return power((best_logit - logit) * scale);
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
      if (!is_less(sum, rest) || group == 31u) {
        break;
      }
      rest = subtract(rest, sum);
      group++;
    }
    var i = group * 32u;
    loop {
      let sum = vec2u(sums_high[i], sums_low[i]);
      if (!is_less(sum, rest) || i == WORKGROUP_SIZE - 1u) {
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
      if (!is_less(amount, rest) || id >= params.size - 1u) {
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

// Adds a token to its bin, by 8 bits of its key, if the bits above are `prefix`.
fn tally(id: u32, shift: u32, prefix: u32) {
  if (id >= params.size) {
    return;
  }
  let logit = logits[first + id];
  let key = key_of(logit);
  // In two shifts: one by 32 would be none.
  if (!is_left(key, id) || (key >> shift >> 8u) != prefix) {
    return;
  }
  let bin = (key >> shift) & 255u;
  if (counted == EQUALS) {
    atomicAdd(&bins_low[bin], 1u);
    return;
  }
  let weight = weight_of(logit);
  if (weight > 0u) {
    // Of 13 bits each, so that 2^19 tokens do not overflow.
    atomicAdd(&bins_high[bin], weight >> 13u);
    atomicAdd(&bins_low[bin], weight & 0x1fffu);
  }
}

fn bin_sum(bin: u32) -> vec2u {
  let high = atomicLoad(&bins_high[bin]);
  return add(
    vec2u(high >> 19u, high << 13u),
    vec2u(0u, atomicLoad(&bins_low[bin])),
  );
}

// Finds the bin in which tokens, from the last bin down, come to `wanted`, and
// what is wanted of it: by groups of 16 bins first.
fn find_bin(wanted: vec2u, lane: u32) {
  for (var group = lane; group < 16u; group += WORKGROUP_SIZE) {
    var sum = vec2u(0u);
    for (var bin = group * 16u; bin < group * 16u + 16u; bin++) {
      sum = add(sum, bin_sum(bin));
    }
    group_high[group] = sum.x;
    group_low[group] = sum.y;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var rest = wanted;
    var group = 15u;
    loop {
      let sum = vec2u(group_high[group], group_low[group]);
      if (!is_less(sum, rest) || group == 0u) {
        break;
      }
      rest = subtract(rest, sum);
      group--;
    }
    var bin = group * 16u + 15u;
    loop {
      let sum = bin_sum(bin);
      if (!is_less(sum, rest) || bin == group * 16u) {
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
}

// Keeps the best tokens that together count for `wanted`: finds their least key
// 8 bits at a time, then the last of those that have it.
fn keep_best(wanted: vec2u, count: bool, lane: u32) {
  counted = select(EQUAL_WEIGHTS, EQUALS, count);
  var rest = wanted;
  var prefix = 0u;
  for (var shift = 32u; shift > 0u;) {
    shift -= 8u;
    for (var bin = lane; bin < 256u; bin += WORKGROUP_SIZE) {
      atomicStore(&bins_high[bin], 0u);
      atomicStore(&bins_low[bin], 0u);
    }
    workgroupBarrier();
    for (var id = lane; id < params.size; id += 4u * WORKGROUP_SIZE) {
      tally(id, shift, prefix);
      tally(id + WORKGROUP_SIZE, shift, prefix);
      tally(id + 2u * WORKGROUP_SIZE, shift, prefix);
      tally(id + 3u * WORKGROUP_SIZE, shift, prefix);
    }
    workgroupBarrier();
    find_bin(rest, lane);
    prefix = (prefix << 8u) | found[0];
    rest = vec2u(found[1], found[2]);
    workgroupBarrier();
  }
  // A higher cut than the one before: all that have this key are left of it,
  // unless it is the same.
  let last = select(NONE, cut.y, prefix == cut.x);
  cut = vec2u(prefix, last);
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
  let key = random(params.seed, control[params.lane + STEP]);
  var winner = vec2u(0u, NONE); // how early, id
  for (var id = lane; id < params.size; id += WORKGROUP_SIZE) {
    let logit = logits[first + id];
    if (is_left(key_of(logit), id)) {
      let early = race(id, (best_logit - logit) * params.scale, key);
      // Ids come in ascending order: the first of equals stays.
      if (early > winner.x) {
        winner = vec2u(early, id);
      }
    }
  }
  workgroupBarrier(); // best_key has been read
  reduce_best(winner.x, winner.y, lane);
  return best_id[0];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  first = first_logit();
  let alive = is_alive();
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
  find_best(first, lane);
  let key = best_key[0];
  // Nothing can be drawn where the best logit is infinite.
  let is_finite = key > 0x007fffffu && key < 0xff800000u;
  let broken = key == NAN_KEY || (params.scale > 0.0 && !is_finite);
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
