import { createHash } from "node:crypto";
import type { LlamaConfig } from "../model/config.ts";

/**
 * What a saved KV cache belongs to: the model, how its keys were rotated, and
 * what its products took.
 *
 * @param fingerprint Of the model's file.
 * @param config Its hyperparameters, what options have changed in them included.
 * @param options Positions of a conversation, by which LongRoPE chooses factors,
 * and whether the input of products is rounded to 8 bits.
 * @returns A hash, the same for all in which a cache means the same.
 */
export function identityOf(
  fingerprint: string,
  { ropeBase, ropeScaling }: LlamaConfig,
  { context, int8 }: { context: number; int8: boolean },
): string {
  const isLong = ropeScaling.type === "longrope" &&
    context > ropeScaling.originalContext;
  const all = [fingerprint, ropeBase, ropeScaling, isLong, int8];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}
