/** What {@linkcode broadcastCode} unrolls. */
export interface BroadcastShape {
  /** Lanes of a subgroup, and keys that are worked on at a time. */
  lanes: number;
  /** Rows of the batch that a lane works on. */
  rows: number;
  /** Eights of values in a head. */
  octets: number;
}

/**
 * Writes `main()` of attention for a batch without reductions, barriers or
 * workgroup memory, all loops unrolled but the one over the keys.
 *
 * A workgroup is one subgroup, and a lane works on rows of its own: their
 * queries and sums stay in its registers. Each lane loads one key, and all take
 * it from there by `subgroupBroadcast()`, so that no lane reduces anything but
 * what it has. A software driver does a load lane by lane, a broadcast in an
 * instruction or two: here a key is loaded once for all rows of a workgroup.
 *
 * Joined behind a `kv_*.wgsl`, `attention_shared.wgsl`, `attention_batch.wgsl` and
 * `branches.wgsl`. The branches of a block of rows are met one after the other,
 * behind the keys that they share: a row that does not see a key takes no note of
 * it, and so gets the same sums in a branch as alone.
 */
export function broadcastCode(
  { lanes, rows, octets }: BroadcastShape,
): string {
  const each = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join("\n");
  const quads = 2 * octets;
  const onQuad = (
    i: number,
    part: "lo" | "hi",
    line: (row: number, key: number, i: number) => string,
  ) =>
    each(lanes, (key) =>
      [
        `    x = subgroupBroadcast(octet.${part}, ${key}u);`,
        each(rows, (row) => line(row, key, i)),
      ].join("\n"));
  const onOctets = (
    load: string,
    line: (row: number, key: number, i: number) => string,
  ) =>
    each(octets, (o) =>
      [
        `    octet = ${load}(base, ${o}u);`,
        onQuad(2 * o, "lo", line),
        onQuad(2 * o + 1, "hi", line),
      ].join("\n"));
  const names = (name: (key: number) => string) =>
    Array.from({ length: lanes }, (_, key) => name(key));
  const greatest = (values: string[]): string =>
    values.reduce((a, b) => `max(${a}, ${b})`);

  return `
@compute @workgroup_size(${lanes})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = workgroup.x;
  let kv_head = head / (params.heads / params.kv_heads);
  // The last rows see the most keys: they begin first.
  let first_row = (workgroups.y - 1u - workgroup.y) * ${lanes * rows}u;
  let last_row = min(first_row + ${lanes * rows}u, batch.rows) - 1u;
  // Keys are worked on by the same eights, or fours, whatever row is the first.
  let first_key = first_seen(least_position(first_row)) / ${lanes}u * ${lanes}u;
  // From here on each branch has its own, and is met in turn.
  let fork = batch.fork / ${lanes}u * ${lanes}u;
  var branch = branch_of(first_row);
  var last_key = last_key_of(branch, last_row);
  let window = params.window;

${
    each(rows, (row) =>
      [
        `  let row${row} = first_row + ${row * lanes}u + lane;`,
        `  let gap${row} = branch_of(min(row${row}, last_row)).x;`,
        `  let position${row} = position_of(row${row}, gap${row});`,
        `  let q${row} = (min(row${row}, last_row) * params.heads + head) * ${quads}u;`,
        each(
          quads,
          (i) => `  let q${row}_${i} = q[q${row} + ${i}u] * params.scale;`,
        ),
        each(quads, (i) => `  var y${row}_${i} = vec4f(0.0);`),
        `  var max${row} = MASKED;`,
        `  var sum${row} = 0.0;`,
      ].join("\n"))
  }

  for (var first = first_key; first <= last_key; first += ${lanes}u) {
    let key = min(first + lane, last_key);
    let base = words_at(slot_of(key, branch.x), kv_head);
    var octet: Octet;
    var x: vec4f;
${each(rows, (row) => each(lanes, (key) => `    var s${row}_${key} = 0.0;`))}
${
    onOctets("key_octet", (row, key, i) =>
      `    s${row}_${key} = dot_onto(s${row}_${key}, q${row}_${i}, x);`)
  }
${
    each(rows, (row) =>
      [
        // Of a key behind the row's own, the distance wraps: it is far away.
        `    let distance${row} = position${row} - first;`,
        `    let window${row} = select(0u, window, gap${row} == branch.x || first < fork);`,
        each(
          lanes,
          (key) =>
            `    let seen${row}_${key} = distance${row} - ${key}u < window${row};`,
        ),
        each(
          lanes,
          (key) =>
            `    s${row}_${key} = select(MASKED, s${row}_${key}, seen${row}_${key});`,
        ),
        `    let new_max${row} = ${
          greatest([`max${row}`, ...names((key) => `s${row}_${key}`)])
        };`,
        `    let correction${row} = decay(max${row}, new_max${row});`,
        `    max${row} = new_max${row};`,
        each(
          lanes,
          (key) =>
            `    let p${row}_${key} = select(0.0, exp(s${row}_${key} - max${row}), seen${row}_${key});`,
        ),
        `    sum${row} = fma(sum${row}, correction${row}, ${
          names((key) => `p${row}_${key}`).join(" + ")
        });`,
        each(quads, (i) => `    y${row}_${i} *= correction${row};`),
      ].join("\n"))
  }
${
    onOctets("value_octet", (row, key, i) =>
      `    y${row}_${i} = fma(vec4f(p${row}_${key}), x, y${row}_${i});`)
  }
    if (first + ${lanes}u > last_key && branch.y <= last_row) {
      branch = branch_of(branch.y);
      last_key = last_key_of(branch, last_row);
      first = fork - ${lanes}u; // it goes on from the fork
    }
  }

${
    each(rows, (row) =>
      [
        `  if (row${row} <= last_row) {`,
        `    let start = row${row} * params.stride + head * params.head_dim;`,
        each(
          quads,
          (i) => `    store_quad(start, ${4 * i}u, y${row}_${i} / sum${row});`,
        ),
        "  }",
      ].join("\n"))
  }
}

fn dot_onto(sum: f32, a: vec4f, b: vec4f) -> f32 {
  return fma(a.x, b.x, fma(a.y, b.y, fma(a.z, b.z, fma(a.w, b.w, sum))));
}
`;
}
