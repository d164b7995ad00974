/**
 * The demo behind `scripts/demo.sh`: the cake dialogue of the model card.
 *
 * @module
 */

import { loadWithProgress } from "../cli/model.ts";
import { write, writeLine } from "../cli/output.ts";
import { type ChatMessage, formatBytes } from "../mod.ts";

const MODEL = new URL("../models/tiny-archangel-q8_0.gguf", import.meta.url);

const DIALOGUE: ChatMessage[] = [
  { role: "user", content: "Hi! I'm looking for a cake recipe." },
  { role: "assistant", content: "What kind of cake?" },
  { role: "user", content: "Chocolate cake." },
];

await using model = await loadWithProgress(MODEL, { progress: true });
writeLine(`device  ${model.device}`);
writeLine(
  `model   tiny-archangel Q8_0, loaded in ${model.loadMs.toFixed(0)} ms, ${
    formatBytes(model.gpuBytes)
  } of GPU memory`,
);
writeLine();
for (const { role, content } of DIALOGUE) writeLine(`<|${role}|> ${content}`);

for (const control of ["good", "bad"] as const) {
  writeLine();
  write(`<|assistant|><|${control}|> `);
  const answer = model.chat(DIALOGUE, { control, maxTokens: 128 });
  for await (const { text } of answer) write(text);
  const { usage, timings } = await answer.result();
  writeLine();
  writeLine(
    `[${usage.completionTokens} tokens, ${
      timings.decodeTokensPerSecond.toFixed(1)
    } tokens/s, the first after ${timings.firstTokenMs.toFixed(0)} ms]`,
  );
}
