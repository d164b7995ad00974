import { createHash } from "node:crypto";
import type { LlamaConfig } from "../model/config.ts";

/**
 * What a saved KV cache belongs to: the model, how its keys were rotated, and
 * what its products took.
 *
 * @param fingerprint Of the model's file.
 * @param config Its hyperparameters, what options have changed in them included.
 * @param options Positions of a conversation, by which LongRoPE chooses factors,
 * whether the input of products is rounded to 8 bits, and what weights were
 * quantized to while they were loaded.
 * @returns A hash, the same for all in which a cache means the same.
 */
export function identityOf(
  fingerprint: string,
  { ropeBase, ropeScaling }: LlamaConfig,
  { context, int8, as }: {
    context: number;
    int8: boolean;
    as?: string | undefined;
  },
): string {
  const isLong = ropeScaling.type === "longrope" &&
    context > ropeScaling.originalContext;
  const all = [fingerprint, ropeBase, ropeScaling, isLong, int8];
  if (as !== undefined) all.push(as); // without it, as it was before
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}
