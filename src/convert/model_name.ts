/** What the name of a model tells, as llama.cpp's converter takes it apart. */
export interface ModelName {
  /** The name without the organization. */
  readonly name?: string;
  /** Who made it. */
  readonly organization?: string;
  /** What family it is of. */
  readonly basename?: string;
  /** What it was trained to be. */
  readonly finetune?: string;
  /** Which version it is. */
  readonly version?: string;
  /** Its size as the name gives it. */
  readonly sizeLabel?: string;
}

type Kind = "basename" | "size" | "finetune" | "version" | "type";

const VERSION = /^(?:v|iter)?\d+(?:\.\d+)*$/i;
const QUANT = /^(?:i?q\d(?:_\w)*|b?fp?(?:16|32))$/i;
const SIZE =
  /^(?:(?:A|\d+x)?\d+(?:[._]\d+)?[KMBT]\d?|small|mini|medium|large|x?xl)$/i;
const FINETUNE = /^(?:chat|instruct|vision|lora)$/i;

/**
 * Takes the name of a model apart: `meta-llama/Llama-2-7b-chat-hf` is version 2
 * of Llama by Meta Llama, of size 7B, trained to chat.
 *
 * @param id The name, with or without an organization.
 * @param parameters Weights of the model: a size that is far from them is none.
 * @returns What it tells; a name with spaces tells nothing else.
 */
export function parseModelName(id: string, parameters: number): ModelName {
  if (id.trim() === "") return {};
  if (id.includes(" ")) return { name: id };
  const slash = id.indexOf("/");
  const organization = slash < 0 ? "" : id.slice(0, slash);
  const full = id.slice(slash + 1);
  const parts = full.split("-").filter((part) => part !== "")
    .map((part, i) => annotate(part, i, parameters));
  dropWordSizes(parts);
  findBasename(parts);
  const join = (kind: Kind, texts = parts) =>
    texts.filter(({ kinds }) => kinds.has(kind)).map(({ text }) => text);
  const sizeLabel = [...new Set(join("size"))].join("-");
  const finetune = join("finetune").join("-");
  const version = join(
    "version",
    parts.filter(({ kinds }) => !kinds.has("basename")),
  ).join("-");
  // A name of one kind of part could mean anything.
  const isClear = sizeLabel !== "" || finetune !== "" || version !== "";
  return {
    name: full,
    ...(organization !== "" && !organization.startsWith(".") && {
      organization,
    }),
    ...(isClear && join("basename").length > 0 && {
      basename: join("basename").join("-"),
    }),
    ...(finetune !== "" && { finetune }),
    ...(version !== "" && { version }),
    ...(sizeLabel !== "" && { sizeLabel }),
  };
}

interface Part {
  text: string;
  kinds: Set<Kind>;
}

function annotate(text: string, index: number, parameters: number): Part {
  if (VERSION.test(text)) return { text, kinds: new Set(["version"]) };
  if (QUANT.test(text)) {
    return { text: text.toUpperCase(), kinds: new Set(["type"]) };
  }
  if (index > 0 && SIZE.test(text)) return annotateSize(text, parameters);
  if (index > 0 && FINETUNE.test(text)) {
    return { text, kinds: new Set(["finetune"]) };
  }
  return { text, kinds: new Set() };
}

function annotateSize(given: string, parameters: number): Part {
  let text = given.replace("_", ".");
  // bloom-7b1 has 7.1B
  if (/\d$/.test(text)) {
    text = `${text.slice(0, -2)}.${text.at(-1)}${text.at(-2)}`;
  }
  if (/\d[kmbt]$/.test(text)) {
    text = text.slice(0, -1) + text.at(-1)!.toUpperCase();
  }
  const size = Number(text.slice(0, -1)) *
    1000 ** " KMBT".indexOf(text.at(-1)!);
  // What is far from the weights is a length of context.
  if (Math.abs(size - parameters) > Math.floor(7 * parameters / 8)) {
    const small = text.slice(0, -1) + text.at(-1)!.toLowerCase();
    return { text: small, kinds: new Set(["finetune"]) };
  }
  return { text, kinds: new Set(["size"]) };
}

function dropWordSizes(parts: readonly Part[]): void {
  const sizes = parts.filter(({ kinds }) => kinds.has("size"));
  if (!sizes.some(({ text }) => /\d/.test(text))) return;
  for (const { text, kinds } of sizes) {
    if (/^\p{L}+$/u.test(text)) kinds.delete("size");
  }
}

function findBasename(parts: readonly Part[]): void {
  let isStart = true;
  for (const { text, kinds } of parts) {
    const begins = kinds.size === 0 && /^\p{L}/u.test(text);
    if (isStart && (begins || kinds.has("version"))) kinds.add("basename");
    else {
      isStart = false;
      if (kinds.size === 0) kinds.add("finetune");
    }
  }
  // A version at its end is one, and no part of the name.
  for (const { kinds } of parts.toReversed()) {
    if (!kinds.has("basename") || kinds.size < 2) break;
    kinds.delete("basename");
  }
}

/**
 * Writes a name as a title: `llama-2-7b` becomes `Llama 2 7b`.
 *
 * @param name The name.
 * @returns The title.
 */
export function toTitle(name: string): string {
  const words = name.trim().replaceAll("-", " ").split(/\s+/);
  return words.filter((word) => word !== "").map((word) => {
    const isLower = /\p{Ll}/u.test(word) && !/\p{Lu}/u.test(word);
    if (!isLower || /^(?:v\d+(?:\.\d+)*|\d.*)$/.test(word)) return word;
    return word.replace(
      /\p{L}+/gu,
      (run) => run[0]!.toUpperCase() + run.slice(1),
    );
  }).join(" ");
}

/**
 * Writes a count of weights as llama.cpp does: `13B`, `7.2B`, `260K`.
 *
 * @param parameters How many there are.
 * @returns At least two digits, and thousands as K, M, B or T.
 */
export function sizeLabel(parameters: number): string {
  const [scale, suffix] = parameters > 1e12
    ? [1e12, "T"] as const
    : parameters > 1e9
    ? [1e9, "B"] as const
    : parameters > 1e6
    ? [1e6, "M"] as const
    : [1e3, "K"] as const;
  const scaled = parameters / scale;
  const digits = String(Math.round(scaled)).replace(/^0+/, "").length;
  return scaled.toFixed(Math.max(0, 2 - digits)) + suffix;
}
