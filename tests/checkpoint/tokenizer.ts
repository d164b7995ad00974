import { ByteWriter } from "../../src/gguf/byte_writer.ts";

/** Tokens of a SentencePiece vocabulary, with GGUF's numbers for their types. */
export interface MadeVocabulary {
  /** Texts by id. */
  tokens: readonly string[];
  /** Scores by id. */
  scores: readonly number[];
  /** Types by id. */
  types: readonly number[];
}

const BYTE = 6;
const CONTROL = 3;
const UNKNOWN = 2;

/** Writes a `tokenizer.model` of byte pair encoding. */
export function sentencePieceModel(
  { tokens, scores, types }: MadeVocabulary,
): Uint8Array<ArrayBuffer> {
  const model = new ByteWriter();
  for (const [id, text] of tokens.entries()) {
    const piece = new ByteWriter();
    writeBytes(piece, 1, new TextEncoder().encode(text));
    writeTag(piece, 2, 5);
    piece.number("f32", scores[id]!);
    writeTag(piece, 3, 0);
    writeVarint(piece, types[id]!);
    writeBytes(model, 1, piece.finish());
  }
  const trainer = new ByteWriter();
  for (const [id, value] of [[3, 2], [35, 1], [40, 0], [41, 1], [42, 2]]) {
    writeTag(trainer, id!, 0);
    writeVarint(trainer, value!);
  }
  writeBytes(model, 2, trainer.finish());
  const normalizer = new ByteWriter();
  writeBytes(normalizer, 1, new TextEncoder().encode("identity"));
  for (const [id, value] of [[3, 1], [4, 0], [5, 1]]) {
    writeTag(normalizer, id!, 0);
    writeVarint(normalizer, value!);
  }
  writeBytes(model, 3, normalizer.finish());
  return model.finish();
}

function writeTag(writer: ByteWriter, id: number, wire: number): void {
  writeVarint(writer, id * 8 + wire);
}

function writeVarint(writer: ByteWriter, value: number): void {
  let left = value;
  while (left >= 0x80) {
    writer.number("u8", left & 0x7f | 0x80);
    left = Math.floor(left / 0x80);
  }
  writer.number("u8", left);
}

function writeBytes(writer: ByteWriter, id: number, bytes: Uint8Array): void {
  writeTag(writer, id, 2);
  writeVarint(writer, bytes.length);
  writer.bytes(bytes);
}

/**
 * Writes the `tokenizer.json` of the same vocabulary, as transformers does: the
 * scores become an order of merges.
 */
export function tokenizerJson(
  { tokens, scores, types }: MadeVocabulary,
  added: Readonly<Record<string, number>> = {},
): string {
  const isSpecial = (id: number) =>
    types[id] === CONTROL || types[id] === UNKNOWN;
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      ...tokens.flatMap((content, id) =>
        isSpecial(id) ? [addedToken(id, content)] : []
      ),
      ...Object.entries(added).map(([content, id]) => addedToken(id, content)),
    ],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "<s>", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
      ],
      pair: [
        { SpecialToken: { id: "<s>", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "<s>", type_id: 1 } },
        { Sequence: { id: "B", type_id: 1 } },
      ],
      special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
    },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(tokens.map((text, id) => [text, id])),
      merges: mergesOf({ tokens, scores, types }),
    },
  });
}

function addedToken(id: number, content: string) {
  const flags = { "single_word": false, lstrip: false, rstrip: false };
  return { id, content, ...flags, normalized: false, special: true };
}

/** Every pair of tokens that is a token, the best of those first. */
function mergesOf({ tokens, scores, types }: MadeVocabulary): string[] {
  const ids = new Map(tokens.map((text, id) => [text, id]));
  const made = tokens.flatMap((text, id) =>
    types[id] === 1 && [...text].length > 1 ? [id] : []
  ).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return made.flatMap((id) => {
    const characters = [...tokens[id]!];
    return characters.slice(1).flatMap((_, i) => {
      const left = characters.slice(0, i + 1).join("");
      const right = characters.slice(i + 1).join("");
      const leftId = ids.get(left);
      const rightId = ids.get(right);
      const isPair = leftId !== undefined && rightId !== undefined &&
        types[leftId] !== BYTE && types[rightId] !== BYTE;
      return isPair ? [{ left, right, order: leftId * 1e6 + rightId }] : [];
    }).sort((a, b) => a.order - b.order)
      .map(({ left, right }) => `${left} ${right}`);
  });
}
