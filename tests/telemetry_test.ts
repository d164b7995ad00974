import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { projectFile } from "./engine.ts";

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  events?: { name: string; attributes: Attribute[] }[];
  status?: { code?: number; message?: string };
}

/** Runs the program with a collector beside it, and gives what that got. */
async function collect(
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Span[]> {
  const spans: Span[] = [];
  await using server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
  }, async (request) => {
    const body = await request.json();
    for (const { scopeSpans = [] } of body.resourceSpans ?? []) {
      for (const { spans: some } of scopeSpans) spans.push(...some);
    }
    return Response.json({});
  });
  // No permission for the environment: nothing may ask for it.
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--no-prompt",
      "--cached-only",
      "tests/telemetry_program.ts",
      ...args,
    ],
    cwd: projectFile("."),
    env: {
      NO_COLOR: "1",
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
      ...env,
    },
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return spans;
}

/** What an attribute says, numbers as numbers. */
function valueOf({ value }: Attribute): unknown {
  const [[kind, content]] = Object.entries(value) as [[string, unknown]];
  if (kind === "arrayValue") {
    const { values } = content as { values: Attribute["value"][] };
    return values.map((value) => valueOf({ key: "", value }));
  }
  return kind === "intValue" ? Number(content) : content;
}

function attributesOf(
  { attributes }: { attributes: Attribute[] },
): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map((attribute) => [attribute.key, valueOf(attribute)]),
  );
}

/** The spans as lines, each below its parent, in the order of their starts. */
function tree(spans: Span[], parent?: Span, depth = 0): string[] {
  const isRoot = ({ parentSpanId = "" }: Span) =>
    !spans.some(({ spanId }) => spanId === parentSpanId);
  return spans.filter((span) =>
    parent === undefined ? isRoot(span) : span.parentSpanId === parent.spanId
  ).sort((a, b) =>
    Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano))
  ).flatMap((span) => [
    `${"  ".repeat(depth)}${span.name}`,
    ...tree(spans, span, depth + 1),
  ]);
}

const COMPLETION = "text_completion stories260K";
const CHAT = "chat stories260K";
const PARTS = ["      prefill", "      decode"];
const TREE = [
  "program",
  "  load",
  "  elsewhere",
  `    ${CHAT}`,
  ...PARTS,
  // Of who asked for it, not of who read it.
  `  ${COMPLETION}`,
  "    prefill",
  "    decode",
  "  left",
  `    ${COMPLETION}`,
  ...PARTS,
  "  aborted",
  `    ${COMPLETION}`,
  ...PARTS,
  "load",
];

for (const worker of [false, true]) {
  const where = worker ? " (in a worker)" : "";
  Deno.test(`spans tell of load, prefill and decode${where}`, async () => {
    const spans = await collect(worker ? ["--worker"] : []);
    // Two begin at once.
    assertEquals(tree(spans).toSorted(), TREE.toSorted());
    assertEquals(tree(spans).slice(0, 2), TREE.slice(0, 2));
    const named = (name: string) => spans.filter((span) => span.name === name);

    const [load, failed] = named("load") as [Span, Span];
    assertEquals(attributesOf(load)["gen_ai.request.model"], "stories260K");
    assertEquals(attributesOf(load)["seraph.context_length"], 512);
    assertEquals(failed.status!.code, 2);
    assertStringIncludes(failed.status!.message!, "no such file");

    const [chat] = named(CHAT) as [Span];
    const { "seraph.first_token_ms": first, ...facts } = attributesOf(chat);
    assert(first as number > 0);
    assertEquals(facts, {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "seraph",
      "gen_ai.request.model": "stories260K",
      "gen_ai.request.max_tokens": 6,
      "gen_ai.request.temperature": 0.5,
      "gen_ai.request.seed": 7,
      "gen_ai.response.finish_reasons": ["length"],
      "gen_ai.usage.input_tokens": 25,
      "gen_ai.usage.cache_read.input_tokens": 0,
      "gen_ai.usage.output_tokens": 6,
    });
    const child = (name: string, { spanId }: Span) =>
      named(name).find(({ parentSpanId }) => parentSpanId === spanId)!;
    const prefill = attributesOf(child("prefill", chat));
    const decode = attributesOf(child("decode", chat));
    assertEquals([prefill["seraph.tokens"], decode["seraph.tokens"]], [25, 6]);
    for (const { "seraph.tokens_per_second": speed } of [prefill, decode]) {
      assert(speed as number > 0);
    }
    // One ends where the other begins.
    const gap = BigInt(child("decode", chat).startTimeUnixNano) -
      BigInt(child("prefill", chat).endTimeUnixNano);
    assertEquals(gap, 0n);

    const [, left, aborted] = named(COMPLETION).toSorted((a, b) =>
      Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano))
    ) as [Span, Span, Span];
    assertEquals(left.status?.code ?? 0, 0);
    const reasons = attributesOf(left)["gen_ai.response.finish_reasons"];
    assertEquals(reasons, ["abort"]);
    for (const span of [aborted, child("decode", aborted)]) {
      assertEquals([span.status!.code, span.status!.message], [2, "no"]);
      assertEquals(attributesOf(span)["error.type"], "RangeError");
      const [event] = span.events!;
      assertEquals(event!.name, "exception");
      assertEquals(attributesOf(event!)["exception.message"], "no");
    }
    assertEquals(child("prefill", aborted).status?.code ?? 0, 0);
  });
}

Deno.test("there are no spans where nobody listens", async () => {
  assertEquals(await collect([], { OTEL_DENO: "false" }), []);
});

Deno.test("telemetry imports its API only where somebody listens", async () => {
  const code = `
    import { loadModel } from "./mod.ts";
    await using model = await loadModel("models/stories260k-f32.gguf");
    await model.generate("x", { maxTokens: 1 }).result();
  `;
  const imports = async (on: boolean) => {
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--cached-only", "--log-level=debug", code],
      cwd: projectFile("."),
      env: { OTEL_DENO: String(on), OTEL_EXPORTER_OTLP_PROTOCOL: "console" },
    }).output();
    const log = new TextDecoder().decode(stderr);
    return log.includes("package folder of @opentelemetry/api@");
  };
  assertEquals([await imports(true), await imports(false)], [true, false]);
});
