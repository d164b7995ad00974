// Blocks of 256 weights: an invocation fits one group of them, and a workgroup
// has whole blocks that are whole words together.
//
//   source [blocks, 256]
//   packed [blocks, BLOCK_BYTES]  raw blocks of the format
//
// Joined with a source, group_16.wgsl or group_32.wgsl, a way to fit, and a
// format, which has
//   fn fit(place: Place)                   stores what stands for a group
//   fn finish(place: Place)                stores its levels, to that of the block
//   fn half_of(block: u32, i: u32) -> u32  half word i of a packed block

override WORKGROUP_SIZE: u32 = 64u;
// Groups of a block: 16 or 8.
override GROUPS: u32;
override BLOCK_BYTES: u32;
override BLOCKS: u32 = WORKGROUP_SIZE / GROUPS;
override LEVEL_WORDS: u32 = BLOCKS * 64u;

// What an invocation works on.
struct Place {
  // Its group's first quad of weights.
  quad: u32,
  // Its group's first word of `levels`.
  word: u32,
  lane: u32,
  // The block, of the workgroup's.
  block: u32,
}

// The levels, a byte each, `[BLOCKS, 64]`.
var<workgroup> levels: array<u32, LEVEL_WORDS>;
// What stands for each group, `[BLOCKS, GROUPS]`: a scale and a minimum.
var<workgroup> scales: array<f32, WORKGROUP_SIZE>;
var<workgroup> mins: array<f32, WORKGROUP_SIZE>;
// The same as they are packed.
var<workgroup> scale_codes: array<u32, WORKGROUP_SIZE>;
var<workgroup> min_codes: array<u32, WORKGROUP_SIZE>;
// Their own scales, bits of 16-bit floats, `[BLOCKS]`.
var<workgroup> block_scales: array<u32, BLOCKS>;
var<workgroup> block_mins: array<u32, BLOCKS>;
// Whether a block is marked, `[BLOCKS]`.
var<workgroup> marked: array<atomic<u32>, BLOCKS>;

// Two levels that lie side by side, from an even one on.
fn levels_at(block: u32, i: u32) -> u32 {
  return (levels[block * 64u + (i >> 2u)] >> ((i & 2u) * 8u)) & 0xffffu;
}

// Levels of 2 bits: of each half of them, those that lie 32 apart share a byte.
// Two bytes of 64.
fn pairs_at(block: u32, i: u32) -> u32 {
  let first = (i >> 4u) * 128u + (i & 15u) * 2u;
  return (levels_at(block, first) & 0x0303u) |
    ((levels_at(block, first + 32u) & 0x0303u) << 2u) |
    ((levels_at(block, first + 64u) & 0x0303u) << 4u) |
    ((levels_at(block, first + 96u) & 0x0303u) << 6u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let quads = 64u / GROUPS;
  let place = Place(
    (group * WORKGROUP_SIZE + lane) * quads,
    lane * quads,
    lane,
    lane / GROUPS,
  );
  fit(place);
  workgroupBarrier();
  finish(place);
  if (unsure && atomicExchange(&marked[place.block], 1u) == 0u) {
    mark(group * BLOCKS + place.block);
  }
  workgroupBarrier();
  let halves = BLOCK_BYTES / 2u;
  let words = BLOCKS * halves / 2u;
  for (var i = lane; i < words; i += WORKGROUP_SIZE) {
    let low = i * 2u;
    let high = low + 1u;
    packed[group * words + i] = half_of(low / halves, low % halves) |
      (half_of(high / halves, high % halves) << 16u);
  }
}
