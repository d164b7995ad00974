import type { TileShape } from "./attention_variants.ts";

/** What {@linkcode tileCode} unrolls. */
export interface TileCodeShape extends TileShape {
  /** Eights of values in a head. */
  octets: number;
}

/** Invocations of a workgroup. */
export const TILE_WORKGROUP = 128;
/** Rows of the batch that an invocation works on. */
const ROWS = 2;

/** Rows of the batch that a workgroup works on. */
export function tileRows({ slices }: TileShape): number {
  return TILE_WORKGROUP / slices * ROWS;
}

/**
 * Writes `main()` of tiled attention for a batch (flash attention), all loops
 * unrolled but the one over tiles of keys.
 *
 * A workgroup has a block of rows of one head. It stages a tile of keys and
 * values in workgroup memory, as f32, with neighbours loading what lies side by
 * side: two barriers a tile, at most 8 KiB. The `slices` invocations of a row
 * have every `slices`-th quad of its query and of its sum in registers, so that
 * they read neighbouring quads of a tile; they add up scores with
 * `reduce_sum()`, four keys at a time. Tiles behind the block's last row, and
 * those that its first one's window has left, are not visited.
 *
 * Joined behind a `kv_*.wgsl`, `attention_shared.wgsl`, `attention_batch.wgsl`,
 * `branches.wgsl` and a `reduce_*.wgsl`, whose LANES are `slices`. Branches are met
 * as in `attention_broadcast.ts`.
 */
export function tileCode(shape: TileCodeShape): string {
  const { slices, keys, quads, octets } = shape;
  const each = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join("\n");
  const onRows = (line: (row: number) => string) => each(ROWS, line);
  const width = slices * quads; // of a key in the tile, in quads
  const used = 2 * octets;
  const slots = TILE_WORKGROUP / slices;
  const fours = keys / 4;
  const part = (i: number) => `four${Math.floor(i / 4)}.${"xyzw"[i % 4]}`;
  const onTile = (
    tile: string,
    line: (row: number, key: number, i: number) => string,
  ) =>
    each(keys, (key) =>
      each(quads, (i) =>
        [
          `    x = ${tile}[slice + ${key * width + i * slices}u];`,
          onRows((row) => line(row, key, i)),
        ].join("\n")));
  const inHead = (i: number) => `slice + ${i * slices}u < ${used}u`;
  const query = (row: number, i: number) => {
    const load = (quad: string) => `q[q${row} + ${quad}] * params.scale`;
    const quad = `slice + ${i * slices}u`;
    return (i + 1) * slices <= used
      ? load(quad)
      : `select(vec4f(0.0), ${load(`min(${quad}, ${used - 1}u)`)}, ${
        inHead(i)
      })`;
  };
  const stage = each(Math.ceil(keys * octets / TILE_WORKGROUP), (j) => {
    const [count, first] = [keys * octets, j * TILE_WORKGROUP];
    const body = `
      let i = lane + ${first}u;
      let at = i / ${octets}u * ${width}u + i % ${octets}u * 2u;
      let place = min(first + i / ${octets}u, last_key);
      let base = words_at(slot_of(place, branch.x), kv_head);
      let key = key_octet(base, i % ${octets}u);
      let value = value_octet(base, i % ${octets}u);
      key_tile[at] = key.lo;
      key_tile[at + 1u] = key.hi;
      value_tile[at] = value.lo;
      value_tile[at + 1u] = value.hi;`;
    return first + TILE_WORKGROUP <= count
      ? `    {${body}\n    }`
      : `    if (lane < ${count - first}u) {${body}\n    }`;
  });

  return `
override WORKGROUP_SIZE: u32 = ${TILE_WORKGROUP}u;
override LANES: u32 = ${slices}u;

var<workgroup> key_tile: array<vec4f, ${keys * width}>;
var<workgroup> value_tile: array<vec4f, ${keys * width}>;

@compute @workgroup_size(${TILE_WORKGROUP})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = workgroup.x;
  let kv_head = head / (params.heads / params.kv_heads);
  let slot = lane / ${slices}u;
  let slice = lane % ${slices}u;
  // The last rows see the most keys: they begin first.
  let first_row = (workgroups.y - 1u - workgroup.y) * ${slots * ROWS}u;
  let last_row = min(first_row + ${slots * ROWS}u, batch.rows) - 1u;
  // Tiles begin at the same keys, whatever row is the first.
  let first_key = first_seen(least_position(first_row)) / ${keys}u * ${keys}u;
  // From here on each branch has its own, and is met in turn.
  let fork = batch.fork / ${keys}u * ${keys}u;
  var branch = branch_of(first_row);
  var last_key = last_key_of(branch, last_row);
  let window = params.window;

${
    onRows((row) =>
      [
        `  let row${row} = first_row + ${row * slots}u + slot;`,
        `  let gap${row} = branch_of(min(row${row}, last_row)).x;`,
        `  let position${row} = position_of(row${row}, gap${row});`,
        `  let q${row} = (min(row${row}, last_row) * params.heads + head) * ${used}u;`,
        each(quads, (i) => `  let q${row}_${i} = ${query(row, i)};`),
        each(quads, (i) => `  var y${row}_${i} = vec4f(0.0);`),
        `  var max${row} = MASKED;`,
        `  var sum${row} = 0.0;`,
      ].join("\n")
    )
  }

  for (var first = first_key; first <= last_key; first += ${keys}u) {
    workgroupBarrier(); // the tile before has been read
${stage}
    workgroupBarrier();

    var x: vec4f;
${onRows((row) => each(keys, (key) => `    var s${row}_${key} = 0.0;`))}
${
    onTile("key_tile", (row, key, i) =>
      `    s${row}_${key} = dot_onto(s${row}_${key}, q${row}_${i}, x);`)
  }
${
    onRows((row) =>
      [
        // Of a key behind the row's own, the distance wraps: it is far away.
        `    let distance${row} = vec4u(position${row} - first) - vec4u(0u, 1u, 2u, 3u);`,
        `    let window${row} = vec4u(select(0u, window, gap${row} == branch.x || first < fork));`,
        each(fours, (four) => {
          const scores = [0, 1, 2, 3].map((i) => `s${row}_${4 * four + i}`);
          const all = `vec4f(${scores.join(", ")})`;
          const seen = `seen${row}_four${four}`;
          return [
            `    let ${seen} = distance${row} - ${4 * four}u < window${row};`,
            `    let t${row}_four${four} = select(vec4f(MASKED), ${
              slices > 1 ? `reduce_sum(${all}, lane)` : all
            }, ${seen});`,
          ].join("\n");
        }),
        `    let new_max${row} = ${
          Array.from({ length: keys }, (_, key) => `t${row}_${part(key)}`)
            .reduce((a, b) => `max(${a}, ${b})`, `max${row}`)
        };`,
        `    let correction${row} = decay(max${row}, new_max${row});`,
        `    max${row} = new_max${row};`,
        each(
          fours,
          (four) =>
            `    let p${row}_four${four} = select(vec4f(0.0), exp(t${row}_four${four} - max${row}), seen${row}_four${four});`,
        ),
        `    sum${row} = fma(sum${row}, correction${row}, ${
          Array.from({ length: keys }, (_, key) => `p${row}_${part(key)}`)
            .join(" + ")
        });`,
        each(quads, (i) => `    y${row}_${i} *= correction${row};`),
      ].join("\n")
    )
  }
${
    onTile("value_tile", (row, key, i) =>
      `    y${row}_${i} = fma(vec4f(p${row}_${part(key)}), x, y${row}_${i});`)
  }
    if (first + ${keys}u > last_key && branch.y <= last_row) {
      branch = branch_of(branch.y);
      last_key = last_key_of(branch, last_row);
      first = fork - ${keys}u; // it goes on from the fork
    }
  }

${
    onRows((row) =>
      [
        `  if (row${row} <= last_row) {`,
        `    let start = row${row} * params.stride + head * params.head_dim;`,
        each(quads, (i) =>
          `    store_quad(start, 4u * (slice + ${
            i * slices
          }u), y${row}_${i} / sum${row});`),
        "  }",
      ].join("\n")
    )
  }
}

fn dot_onto(sum: f32, a: vec4f, b: vec4f) -> f32 {
  return fma(a.x, b.x, fma(a.y, b.y, fma(a.z, b.z, fma(a.w, b.w, sum))));
}
`;
}
