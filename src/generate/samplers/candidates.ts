/** Ids that a sort has room for: far more than any vocabulary has. */
const ID_ROOM = 2 ** 21;

/**
 * Tokens that may come next. Logits are f32, as a model gives them and as
 * llama.cpp has them; a token whose logit is `-Infinity` is still there, but
 * never drawn.
 */
export class Candidates {
  /** Token ids, `[size]`. */
  ids: Uint32Array;
  /** Their logits, `[size]`. */
  logits: Float32Array;
  /** Whether the best one stands first, the lower id first among equals. */
  isSorted = false;

  /**
   * Creates {@linkcode Candidates} of all tokens.
   *
   * @param logits The logits of all tokens, which are copied.
   */
  constructor(logits: Float32Array) {
    this.ids = Uint32Array.from(logits.keys());
    this.logits = logits.slice();
  }

  /** How many there are. */
  get size(): number {
    return this.ids.length;
  }

  /** Puts the best one first, the lower id first among equals. */
  sort(): void {
    if (this.isSorted) return;
    this.isSorted = true;
    const { ids, logits, size } = this;
    const bits = new Uint32Array(logits.buffer, logits.byteOffset, size);
    // Numbers sort many times faster than with a comparison: in 53 bits there is
    // room for a logit's, turned so that they ascend as it falls, and an id's.
    const keys = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      logits[i]! += 0; // -0 is 0
      keys[i] = descendingBits(bits[i]!) * ID_ROOM + ids[i]!;
    }
    keys.sort();
    for (let i = 0; i < size; i++) {
      const high = Math.floor(keys[i]! / ID_ROOM);
      ids[i] = keys[i]! - high * ID_ROOM;
      bits[i] = bitsOfDescending(high);
    }
  }

  /** Keeps those from place `start` to before `end`. */
  slice(start: number, end: number): void {
    this.ids = this.ids.slice(start, end);
    this.logits = this.logits.slice(start, end);
  }

  /** Keeps those at these places, in their order. */
  take(places: ArrayLike<number>): void {
    const { ids, logits } = this;
    this.ids = Uint32Array.from(places, (place) => ids[place]!);
    this.logits = Float32Array.from(places, (place) => logits[place]!);
    this.isSorted = false;
  }

  /** Place of the best one, of that with the lowest id among equals. */
  bestPlace(): number {
    const { ids, logits, size } = this;
    let best = 0;
    for (let i = 1; i < size; i++) {
      const isBetter = logits[i]! > logits[best]! ||
        (logits[i] === logits[best] && ids[i]! < ids[best]!);
      if (isBetter) best = i;
    }
    return best;
  }

  /**
   * Their probabilities among each other, in f64. V8 calculates `exp()` itself,
   * so that all machines agree.
   *
   * @returns One a candidate, in order; they need one finite logit.
   */
  probabilities(): Float64Array {
    const { logits, size } = this;
    const best = logits[this.bestPlace()]!;
    const weights = new Float64Array(size);
    let sum = 0;
    for (let i = 0; i < size; i++) {
      weights[i] = Math.exp(logits[i]! - best);
      sum += weights[i]!;
    }
    for (let i = 0; i < size; i++) weights[i]! /= sum;
    return weights;
  }
}

/** The bits of a float as a number that falls where the float rises. */
function descendingBits(bits: number): number {
  return bits >= 2 ** 31 ? bits : ~bits & 0x7fffffff;
}

function bitsOfDescending(key: number): number {
  return key >= 2 ** 31 ? key : ~key & 0x7fffffff;
}

/** `-sum(p * log(p))` in nats, where 0 adds nothing. */
export function entropyOf(probabilities: Float64Array): number {
  let entropy = 0;
  for (const p of probabilities) if (p > 0) entropy -= p * Math.log(p);
  return entropy;
}
