/**
 * A service: `POST /` a question and get the answer as server-sent events. The
 * generation stops when the client leaves. The model runs in a worker, so that
 * no request waits for the GPU because another one does.
 *
 *     deno run -A examples/service.ts
 *     curl -N -d "What is the capital of France?" http://127.0.0.1:8000
 *
 * @module
 */

import { loadModel } from "@seraph/seraph";

const path = new URL("../models/tiny-archangel-q8_0.gguf", import.meta.url);
await using model = await loadModel(path, { worker: true });

async function* events(question: string, signal: AbortSignal) {
  const message = { role: "user" as const, content: question };
  try {
    const answer = model.chat([message], { control: "good", signal });
    for await (const { text } of answer) {
      yield `data: ${JSON.stringify({ text })}\n\n`;
    }
    yield "event: done\ndata: {}\n\n";
  } catch (error) {
    yield `event: error\ndata: ${JSON.stringify({ error: `${error}` })}\n\n`;
  }
}

const port = Number(Deno.env.get("PORT") ?? 8000);
await Deno.serve({ hostname: "127.0.0.1", port }, async (request) => {
  if (request.method !== "POST") return new Response(null, { status: 405 });
  const stream = ReadableStream.from(
    events(await request.text(), request.signal),
  );
  const headers = { "content-type": "text/event-stream" };
  return new Response(stream.pipeThrough(new TextEncoderStream()), { headers });
}).finished;
