import type * as Xgrammar from "@mlc-ai/web-xgrammar";

/** One instance of xgrammar: its own WebAssembly memory, freed with it. */
export interface XgrammarInstance extends Readonly<typeof Xgrammar> {
  /** What it has printed since it was asked last: a failure's reason. */
  takeMessages(): string[];
}

/** The names of the globals that the package looks for, and that it gets. */
const GLOBALS = [
  "exports",
  "module",
  "console",
  "location",
  "require",
  "define",
  "process",
  "window",
  "document",
  "importScripts",
];

/**
 * Loads an instance of xgrammar.
 *
 * The package is a UMD file that calls itself a module, and takes Deno for
 * Node, so that importing it fails. Its text is run as a function instead, whose
 * parameters are the globals that it asks for: it finds none of a runtime's and
 * keeps to WebAssembly. Nothing global is touched, and what two loads make has
 * nothing to do with each other.
 *
 * @returns The instance.
 */
export async function loadXgrammar(): Promise<XgrammarInstance> {
  const { default: code } = await import(
    "@mlc-ai/web-xgrammar/lib/index.js",
    { with: { type: "text" } }
  ) as unknown as { default: string };
  const exports = {} as typeof Xgrammar;
  const messages: string[] = [];
  const note = (message: unknown) => void messages.push(String(message));
  const console = { log: note, warn: note, error: note };
  const location = { href: "file:///web-xgrammar.js" };
  new Function(...GLOBALS, code)(exports, { exports }, console, location);
  // Its first call starts the WebAssembly, and two at once would start two.
  (await exports.Grammar.builtinJSONGrammar()).dispose();
  return { ...exports, takeMessages: () => messages.splice(0) };
}

/**
 * Why a call of xgrammar failed: it prints the reason and aborts.
 *
 * @param instance The instance, which is of no use any more.
 * @param error What was thrown.
 * @returns The reason.
 */
export function reasonOf(instance: XgrammarInstance, error: unknown): string {
  const fatal = instance.takeMessages()
    .findLast((message) => message.startsWith("[FATAL]"));
  if (fatal !== undefined) return plainText(fatal);
  return error instanceof Error ? error.message : String(error);
}

/** A message without its kind and the line of source that printed it. */
export function plainText(message: string): string {
  return message.replace(/^\[[A-Z]+\] \S*:\d+: /, "");
}
