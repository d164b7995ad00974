import { assertEquals, assertThrows } from "@std/assert";
import { evaluate } from "../../tests/evaluate.ts";
import { formatHubName, type HubName, parseHubName } from "./hub_name.ts";

const name = (parts: Partial<HubName>): HubName => ({
  repo: "owner/repo",
  path: undefined,
  quant: undefined,
  revision: "main",
  ...parts,
});

for (
  const [text, parts] of [
    ["hf:owner/repo", {}],
    ["HF:owner/repo/", {}],
    ["hf://owner/repo", {}],
    ["hf:a.b/c-d_e.f", { repo: "a.b/c-d_e.f" }],
    ["hf:owner/repo:Q4_K_M", { quant: "Q4_K_M" }],
    ["hf:owner/repo@v1.0", { revision: "v1.0" }],
    ["hf:owner/repo@refs/pr/7", { revision: "refs/pr/7" }],
    ["hf:owner/repo/m.gguf", { path: "m.gguf" }],
    ["hf:owner/repo/a/b c.gguf@x", { path: "a/b c.gguf", revision: "x" }],
    ["hf:owner/repo/a:IQ1_S@x", { path: "a", quant: "IQ1_S", revision: "x" }],
    ["https://huggingface.co/owner/repo", {}],
    ["https://huggingface.co/owner/repo/tree/main", {}],
    ["https://huggingface.co/owner/repo/tree/v1/sub", {
      path: "sub",
      revision: "v1",
    }],
    ["https://huggingface.co/owner/repo/blob/main/a/m%20x.gguf", {
      path: "a/m x.gguf",
    }],
    ["https://huggingface.co/owner/repo/resolve/v2/m.gguf?download=true", {
      path: "m.gguf",
      revision: "v2",
    }],
  ] as [string, Partial<HubName>][]
) {
  Deno.test(`parseHubName() reads "${text}"`, () => {
    assertEquals(parseHubName(text), name(parts));
  });
}

for (
  const text of [
    "model.gguf",
    "C:\\models\\m.gguf",
    "https://example.com/owner/repo",
    "https://huggingface.co/datasets/owner/repo",
    "https://huggingface.co/api/models/x",
    "https://huggingface.co/owner/repo/discussions/1",
    "hfs:owner/repo",
  ]
) {
  Deno.test(`parseHubName() leaves "${text}" to others`, () => {
    assertEquals(parseHubName(text), undefined);
  });
}

for (
  const text of [
    "hf:",
    "hf:owner",
    "hf:owner/",
    "hf:../repo",
    "hf:owner/..",
    "hf:owner/repo/../x",
    "hf:owner/repo//x",
    "hf:owner/repo:",
    "hf:owner/repo@",
    "hf:owner/repo@a@b",
    "hf:owner/re po",
    "hf:owner/repo/a:b:c",
  ]
) {
  Deno.test(`parseHubName() refuses "${text}"`, () => {
    assertThrows(
      () => parseHubName(text),
      TypeError,
      `Cannot open model "${text}": it is no name on the hub`,
    );
  });
}

Deno.test("formatHubName() writes what parseHubName() reads", () => {
  for (
    const text of [
      "hf:owner/repo",
      "hf:owner/repo/a/b.gguf:Q4_0@v1",
      "hf:owner/repo:Q8_0",
    ]
  ) {
    assertEquals(formatHubName(parseHubName(text)!), text);
  }
});

Deno.test("hubOf() refuses a token that is none, and does not show it", async () => {
  const module = new URL("./hub_name.ts", import.meta.url);
  const code = `import { hubOf } from "${module}";
    try { console.log(hubOf().token) } catch (e) { console.log(e.message) }`;
  const told = (token: string) => evaluate(code, { HF_TOKEN: token });
  assertEquals(await told(" hf_abc\n"), "hf_abc\n");
  for (
    const [token, shown] of [["hf_a\nb", '"\\n"'], ["hf_\u00fc", '"\u00fc"']]
  ) {
    assertEquals(
      await told(token!),
      `Cannot use the hub: HF_TOKEN has the character ${shown}, ` +
        "visible ASCII characters are wanted\n",
    );
  }
});
