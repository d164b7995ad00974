// Where the rows of a prompt's batch stand. They follow each other, in their
// sequence and in its cache, but for branches: continuations of the same keys, of
// which those before `fork` are common. A branch begins at `fork` again, and
// stands in the cache behind the branch before it.
//
//   branches  [batch]  (gap, end): how much further on than its position a row
//                      stands in the cache, and the row behind its branch; only
//                      read where there is a fork. The first branch has gap 0.
//
// Joined to what declares `batch` and `branches`.

fn branch_of(row: u32) -> vec2u {
  if (batch.fork == 0u) {
    return vec2u(0u, batch.rows);
  }
  return branches[row];
}

fn position_of(row: u32, gap: u32) -> u32 {
  return batch.position + row - gap;
}

// Where a key of a branch stands in the cache.
fn slot_of(key: u32, gap: u32) -> u32 {
  return key + select(0u, gap, key >= batch.fork);
}
