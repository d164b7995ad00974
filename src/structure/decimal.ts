/** A number as `value / 10^digits`. */
export interface Decimal {
  /** The number without its point. */
  value: bigint;
  /** Digits behind the point. */
  digits: number;
}

/** Writes a finite number as a decimal: that which JavaScript shows of it. */
export function toDecimal(number: number): Decimal {
  const [mantissa, exponent = "0"] = String(number).split("e");
  const [whole, fraction = ""] = mantissa!.split(".");
  const digits = fraction.length - Number(exponent);
  const value = BigInt(whole! + fraction);
  if (digits >= 0) return { value, digits };
  return { value: value * 10n ** BigInt(-digits), digits: 0 };
}

/** The least multiple of `10^-digits` that is no less, times `10^digits`. */
export function ceilAt({ value, digits }: Decimal, scale: number): bigint {
  if (scale >= digits) return value * 10n ** BigInt(scale - digits);
  const unit = 10n ** BigInt(digits - scale);
  const rest = value % unit;
  return value / unit + (rest > 0n ? 1n : 0n);
}

/** The greatest one that is no more. */
export function floorAt({ value, digits }: Decimal, scale: number): bigint {
  return -ceilAt({ value: -value, digits }, scale);
}
