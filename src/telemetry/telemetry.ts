import type {
  Attributes,
  Context,
  Span,
  Tracer,
  TracerProvider,
} from "@opentelemetry/api";

// The core needs no telemetry: of `@opentelemetry/api` only types are imported
// here, and its code where somebody listens. What it registers, Deno registers by
// itself where it is told to export (OTEL_DENO=true), and an SDK does the same:
// looking there needs no permission to read the environment.

/** Where the API keeps what is registered, for all of its copies. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/** What spans name as their source: the package and its version. */
export const SCOPE = { name: "@seraph/seraph", version: "0.1.0" };

/** What there is of it here. */
interface Registry {
  trace?: TracerProvider;
  context?: { active(): Context };
}

function registry(): Registry | undefined {
  return (globalThis as { [key: symbol]: Registry | undefined })[REGISTRY];
}

/** Whether somebody listens to spans. */
export function isTracing(): boolean {
  return registry()?.trace !== undefined;
}

/** The context of the caller, `undefined` where there is none. */
export function callerContext(): Context | undefined {
  return registry()?.context?.active();
}

/** What spans are made with. */
export interface Tracing {
  /** Makes them. */
  tracer: Tracer;
  /** The context in which a span is the parent. */
  within(parent: Context, span: Span): Context;
  /** The context without a parent. */
  root: Context;
  /** Ends a span of something that failed. */
  fail(span: Span, error: unknown): void;
}

/** Imports the API; to be called where {@linkcode isTracing} says so. */
export async function startTracing(): Promise<Tracing> {
  const { ROOT_CONTEXT, SpanStatusCode, trace } = await import(
    "@opentelemetry/api"
  );
  return {
    tracer: trace.getTracer(SCOPE.name, SCOPE.version),
    within: (parent, span) => trace.setSpan(parent, span),
    root: ROOT_CONTEXT,
    fail(span, error) {
      const known = error instanceof Error; // a DOMException is one, too
      span.recordException(known ? error : String(error));
      span.setAttribute("error.type", known ? error.name : typeof error);
      span.setStatus({
        code: SpanStatusCode.ERROR,
        message: known ? error.message : String(error),
      });
    },
  };
}

/**
 * Runs something within a span, if somebody listens.
 *
 * @param name The span's name.
 * @param run Runs it.
 * @param attributes What is known of what came of it.
 * @returns What came of it.
 */
export async function traced<T>(
  name: string,
  run: () => Promise<T>,
  attributes: (value: T) => Attributes,
): Promise<T> {
  if (!isTracing()) return await run();
  const parent = callerContext();
  const start = performance.timeOrigin + performance.now();
  const { tracer, root, fail } = await startTracing();
  const span = tracer.startSpan(name, { startTime: start }, parent ?? root);
  try {
    const value = await run();
    span.setAttributes(attributes(value));
    return value;
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}
