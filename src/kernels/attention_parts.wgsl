// How the keys of a row are shared by workgroups in decode: in parts that depend
// on its position alone, so that a row gets the same sums alone and among others.
// What partsAt() of attention_step.ts tells the grid. Joined behind
// attention_shared.wgsl.
//
//   partials  [rows, parts, heads, 1 + 2 * octets]  vec4f: (maximum, sum of
//             weights, 0, 0) and the weighted sum of v by quads

struct Task {
  max_parts: u32, // also those that partials has room for, a row
  part_keys: u32, // the least of a part, where there are several
  appends: u32, // whether k and v of the rows go to the cache
  attends: u32, // whether y of the rows is computed
}

@group(0) @binding(8) var<uniform> task: Task;

// Keys of a part are a multiple of this.
const PART_UNIT = 64u;

// Of a row that sees `count` keys before its own: the parts, none of them empty,
// and the keys of one.
fn parts_of(count: u32) -> vec2u {
  let wanted = min(task.max_parts, count / task.part_keys);
  if (wanted <= 1u) {
    return vec2u(1u, count);
  }
  let unit = wanted * PART_UNIT;
  let size = (count + unit - 1u) / unit * PART_UNIT;
  return vec2u((count + size - 1u) / size, size);
}

// Where the partials of a part begin.
fn partials_at(row: u32, part: u32, head: u32) -> u32 {
  return ((row * task.max_parts + part) * params.heads + head) *
    (1u + 2u * params.octets);
}
