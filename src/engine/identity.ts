import { createHash } from "node:crypto";
import type { LlamaConfig } from "../model/config.ts";

/**
 * What a saved KV cache belongs to: the model, and how its keys were rotated.
 *
 * @param fingerprint Of the model's file.
 * @param config Its hyperparameters, what options have changed in them included.
 * @param context Positions of a conversation, by which LongRoPE chooses factors.
 * @returns A hash, the same for all in which a cache means the same.
 */
export function identityOf(
  fingerprint: string,
  { ropeBase, ropeScaling }: LlamaConfig,
  context: number,
): string {
  const isLong = ropeScaling.type === "longrope" &&
    context > ropeScaling.originalContext;
  const rotation = [fingerprint, ropeBase, ropeScaling, isLong];
  return createHash("sha256").update(JSON.stringify(rotation)).digest("hex");
}
