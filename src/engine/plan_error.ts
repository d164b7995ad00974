import { GpuMemoryError } from "../gpu/buffers.ts";
import type { MemoryPlan } from "./plan.ts";
import { formatPlan } from "./plan_table.ts";

/**
 * Error thrown before the first byte of weights is read where a model does not
 * fit. Its message has the plan as a table. It is a {@linkcode GpuMemoryError}, so
 * that who looks for a lack of memory finds this one too.
 */
export class ModelMemoryError extends GpuMemoryError {
  /** What would be allocated, and what would fit in its place. */
  readonly plan: MemoryPlan;

  /**
   * Creates a {@linkcode ModelMemoryError}.
   *
   * @param plan A plan that does not fit.
   */
  constructor(plan: MemoryPlan) {
    const { label } = plan.models[0]!;
    const problem = `Cannot load "${label}": ${plan.problem}`;
    const message = `${problem}\n\n${formatPlan(plan)}`;
    super("a model", plan.peakBytes, { message });
    this.name = "ModelMemoryError";
    this.plan = plan;
  }
}
