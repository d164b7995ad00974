import type { GgufField } from "../gguf/field.ts";
import { isObject, own } from "./json.ts";

const KEY = "tokenizer.chat_template";

/**
 * Turns the chat templates of a checkpoint into metadata: the default one, and
 * others by their names.
 *
 * @param template A text, or a list of `{ name, template }`; all else is none.
 * @returns The metadata.
 */
export function convertChatTemplate(template: unknown): GgufField[] {
  if (typeof template === "string") return [text(KEY, template)];
  if (!Array.isArray(template)) return [];
  const named = new Map<string, string>();
  for (const choice of template) {
    const name = isObject(choice) ? own(choice, "name") : undefined;
    const value = isObject(choice) ? own(choice, "template") : undefined;
    if (typeof name !== "string" || typeof value !== "string") continue;
    const key = name.replace(/[^a-zA-Z0-9]/g, "_");
    if (key !== "") named.set(key, value);
  }
  const main = named.get("default");
  named.delete("default");
  return [
    ...Array.from(named, ([name, value]) => text(`${KEY}.${name}`, value)),
    ...(named.size > 0
      ? [
        {
          key: `${KEY}s`,
          type: "array",
          of: "string",
          value: [...named.keys()],
        } satisfies GgufField,
      ]
      : []),
    ...(main === undefined ? [] : [text(KEY, main)]),
  ];
}

function text(key: string, value: string): GgufField {
  return { key, type: "string", value };
}
