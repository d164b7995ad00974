/**
 * A script: continues the text that it is given.
 *
 *     deno run -A examples/script.ts "Once upon a time"
 *
 * @module
 */

import { loadModel } from "@seraph/seraph";

const path = new URL("../models/stories260k-f32.gguf", import.meta.url);
const prompt = Deno.args.join(" ") || "Once upon a time";

await using model = await loadModel(path);
const story = model.generate(prompt, { temperature: 0, maxTokens: 100 });

const encoder = new TextEncoder();
await Deno.stdout.write(encoder.encode(prompt));
for await (const { text } of story) {
  await Deno.stdout.write(encoder.encode(text));
}

const { usage, timings } = await story.result();
const speed = timings.decodeTokensPerSecond.toFixed(0);
await Deno.stdout.write(
  encoder.encode(`\n[${usage.completionTokens} tokens, ${speed} tokens/s]\n`),
);
