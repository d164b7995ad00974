import type { Attributes, Context, Span } from "@opentelemetry/api";
import { startTracing } from "../telemetry/telemetry.ts";
import type { Outcome } from "./decode.ts";
import type { StartGeneration } from "./events.ts";
import { type GenerateOptions, stopStrings } from "./options.ts";
import type { GenerationResult } from "./result.ts";

/** What spans say of a generation besides what it came to. */
export interface SpanFacts {
  /** What the model is called. */
  model: string;
  /** What is generated, as the conventions for generative AI call it. */
  operation: "chat" | "text_completion";
  /** The context of who asked for it. */
  parent: Context | undefined;
}

/**
 * Makes spans of a generation: one for all of it by the OpenTelemetry conventions
 * for generative AI, and in it `prefill` and `decode`. No text is in them.
 *
 * @param start The generation.
 * @param facts What else they say.
 * @returns The same generation.
 */
export function withSpans(
  start: StartGeneration,
  { model, operation, parent }: SpanFacts,
): StartGeneration {
  return async function* (options, { resolve, reject }) {
    const { tracer, within, root, fail } = await startTracing();
    const name = `${operation} ${model}`;
    const attributes = requestAttributes(options, { model, operation });
    const span = tracer.startSpan(name, { attributes }, parent ?? root);
    const context = within(parent ?? root, span);
    const prefill = tracer.startSpan("prefill", {}, context);
    let decode: Span | undefined;
    let prefilled: number | undefined;
    let result: GenerationResult | undefined;
    let failure: { error: unknown } | undefined;
    const outcome: Outcome = {
      resolve(value) {
        resolve(value);
        // What it had come to, also where it failed.
        result = value as GenerationResult;
      },
      reject(error) {
        reject(error);
        failure ??= { error };
      },
    };
    try {
      for await (const piece of start(options, outcome)) {
        if (decode === undefined) {
          prefilled = performance.timeOrigin + performance.now();
          const startTime = prefilled;
          decode = tracer.startSpan("decode", { startTime }, context);
        }
        yield piece;
      }
    } catch (error) {
      failure = { error };
      throw error;
    } finally {
      if (result !== undefined) {
        span.setAttributes(responseAttributes(result));
        prefill.setAttributes(prefillAttributes(result));
        decode?.setAttributes(decodeAttributes(result));
      }
      if (failure !== undefined) {
        fail(decode ?? prefill, failure.error);
        fail(span, failure.error);
      }
      prefill.end(prefilled);
      decode?.end();
      span.end();
    }
  };
}

function requestAttributes(
  options: GenerateOptions,
  { model, operation }: Pick<SpanFacts, "model" | "operation">,
): Attributes {
  const { maxTokens, temperature, topP, topK } = options;
  const { frequencyPenalty, presencePenalty } = options;
  const stop = stopStrings(options.stop);
  return {
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": "seraph",
    "gen_ai.request.model": model,
    ...(maxTokens !== undefined && { "gen_ai.request.max_tokens": maxTokens }),
    ...(temperature !== undefined && {
      "gen_ai.request.temperature": temperature,
    }),
    ...(topP !== undefined && { "gen_ai.request.top_p": topP }),
    ...(topK !== undefined && { "gen_ai.request.top_k": topK }),
    ...(frequencyPenalty !== undefined && {
      "gen_ai.request.frequency_penalty": frequencyPenalty,
    }),
    ...(presencePenalty !== undefined && {
      "gen_ai.request.presence_penalty": presencePenalty,
    }),
    ...(stop.length > 0 && { "gen_ai.request.stop_sequences": [...stop] }),
  };
}

function responseAttributes(
  { finishReason, seed, usage, timings }: GenerationResult,
): Attributes {
  return {
    "gen_ai.response.finish_reasons": [finishReason],
    "gen_ai.usage.input_tokens": usage.promptTokens,
    "gen_ai.usage.cache_read.input_tokens": usage.reusedTokens,
    "gen_ai.usage.output_tokens": usage.completionTokens,
    "seraph.first_token_ms": timings.firstTokenMs,
    ...(seed !== undefined && { "gen_ai.request.seed": seed }),
  };
}

function prefillAttributes({ usage, timings }: GenerationResult): Attributes {
  return {
    "seraph.tokens": usage.promptTokens - usage.reusedTokens,
    "seraph.reused_tokens": usage.reusedTokens,
    "seraph.ms": timings.prefillMs,
    "seraph.tokens_per_second": timings.prefillTokensPerSecond,
  };
}

function decodeAttributes(
  { finishReason, usage, timings, speculation }: GenerationResult,
): Attributes {
  return {
    "seraph.tokens": usage.completionTokens,
    "seraph.ms": timings.decodeMs,
    "seraph.tokens_per_second": timings.decodeTokensPerSecond,
    "seraph.finish_reason": finishReason,
    ...(speculation && {
      "seraph.speculation.guessed": speculation.guessed,
      "seraph.speculation.accepted": speculation.accepted,
    }),
  };
}
