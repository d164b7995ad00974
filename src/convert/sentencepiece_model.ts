import { type ProtobufField, readProtobuf } from "./protobuf.ts";

/** A piece of a SentencePiece model. */
export interface SentencePiece {
  /** Its text, spaces written as U+2581. */
  readonly text: string;
  /** Its priority, higher first. */
  readonly score: number;
  /** Its type: GGUF has the same numbers. */
  readonly type: number;
}

/** What stands in a `tokenizer.model`. */
export interface SentencePieceModel {
  /** The pieces; an id is an index. */
  readonly pieces: readonly SentencePiece[];
  /** Begins a text; `undefined` where there is no such piece. */
  readonly bosId: number | undefined;
  /** Ends a text; `undefined` where there is no such piece. */
  readonly eosId: number | undefined;
  /** Whether a space is put before a text. */
  readonly addsPrefix: boolean;
}

/** SentencePiece's number for a piece of no special kind. */
const NORMAL = 1;
const BYTE = 6;
/** SentencePiece's number for byte pair encoding. */
const BPE = 2;
const ALGORITHMS = ["?", "unigram", "BPE", "word", "char"];
/** Twice as many as the largest vocabularies have. */
const MAX_PIECES = 2 ** 19;

/**
 * Reads a SentencePiece model.
 *
 * @param bytes The `tokenizer.model`, a protobuf message.
 * @param label What errors call it.
 * @returns The pieces.
 * @throws {SyntaxError} If it is no such model, or a broken one.
 * @throws {Error} If it is of another kind than byte pair encoding.
 */
export function readSentencePiece(
  bytes: Uint8Array,
  label: string,
): SentencePieceModel {
  try {
    return readModel(bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    error.message = `Cannot read "${label}": it is no SentencePiece model ` +
      `that can be converted: ${error.message}`;
    throw error;
  }
}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: SentencePiece[] = [];
  // Defaults of the format.
  let algorithm = 1;
  let bosId = 1;
  let eosId = 2;
  let addsPrefix = true;
  for (const field of readProtobuf(bytes)) {
    if (field.id === 1) {
      pieces.push(readPiece(message(field)));
      if (pieces.length > MAX_PIECES) {
        throw new SyntaxError(`it has over ${MAX_PIECES} pieces`);
      }
    } else if (field.id === 2) {
      for (const option of readProtobuf(message(field))) {
        if (option.id === 3) algorithm = integer(option);
        if (option.id === 41) bosId = integer(option);
        if (option.id === 42) eosId = integer(option);
      }
    } else if (field.id === 3) {
      for (const option of readProtobuf(message(field))) {
        if (option.id === 3) addsPrefix = integer(option) !== 0;
      }
    }
  }
  if (pieces.length === 0) throw new SyntaxError("it has no pieces");
  if (algorithm !== BPE) {
    throw new Error(
      `its kind is ${ALGORITHMS[algorithm] ?? algorithm}, BPE is wanted`,
    );
  }
  const within = (id: number) => id < pieces.length ? id : undefined;
  return { pieces, bosId: within(bosId), eosId: within(eosId), addsPrefix };
}

function readPiece(bytes: Uint8Array): SentencePiece {
  let text = "";
  let score = 0;
  let type = NORMAL;
  for (const field of readProtobuf(bytes)) {
    if (field.id === 1) text = decode(message(field));
    if (field.id === 2) score = float(field);
    if (field.id === 3) type = integer(field);
  }
  if (type < NORMAL || type > BYTE) {
    throw new SyntaxError(`a piece has the type ${type}, 1 to 6 are wanted`);
  }
  return { text, score, type };
}

function message(field: ProtobufField): Uint8Array {
  if (field.kind === "bytes") return field.value;
  throw new SyntaxError(`field ${field.id} is no message`);
}

function integer(field: ProtobufField): number {
  if (field.kind === "varint") return field.value;
  throw new SyntaxError(`field ${field.id} is no integer`);
}

function float(field: ProtobufField): number {
  if (field.kind !== "fixed32") {
    throw new SyntaxError(`field ${field.id} is no float`);
  }
  const { buffer, byteOffset } = field.value;
  const value = new DataView(buffer, byteOffset, 4).getFloat32(0, true);
  if (!Number.isNaN(value)) return value;
  throw new SyntaxError("a score is no number");
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new SyntaxError("a piece is not valid UTF-8");
  }
}
