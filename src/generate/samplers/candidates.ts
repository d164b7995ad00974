import { firstPlaces, radixOrder } from "./radix_order.ts";

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
    this.ids = firstPlaces(logits.length);
    this.logits = logits.slice();
  }

  /** How many there are. */
  get size(): number {
    return this.ids.length;
  }

  /** Puts the best one first, the lower id first among equals. */
  sort(): void {
    if (this.isSorted) return;
    const { ids, logits, size } = this;
    const bits = new Uint32Array(logits.buffer, logits.byteOffset, size);
    const keys = new Uint32Array(size);
    for (let i = 0; i < size; i++) {
      logits[i]! += 0; // -0 is 0
      keys[i] = descendingBits(bits[i]!);
    }
    this.take(radixOrder(keys, radixOrder(ids)));
    this.isSorted = true;
  }

  /** Keeps those from place `start` to before `end`. */
  slice(start: number, end: number): void {
    this.ids = this.ids.slice(start, end);
    this.logits = this.logits.slice(start, end);
  }

  /** Keeps those at these places, in their order. */
  take(places: Uint32Array): void {
    const { ids, logits } = this;
    this.ids = new Uint32Array(places.length);
    this.logits = new Float32Array(places.length);
    for (let i = 0; i < places.length; i++) {
      this.ids[i] = ids[places[i]!]!;
      this.logits[i] = logits[places[i]!]!;
    }
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

/** `-sum(p * log(p))` in nats, where 0 adds nothing. */
export function entropyOf(probabilities: Float64Array): number {
  let entropy = 0;
  for (const p of probabilities) if (p > 0) entropy -= p * Math.log(p);
  return entropy;
}
