import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { BYTES, CONTROLS, makeMetadata } from "../../tests/vocabularies.ts";
import { Tokenizer } from "./tokenizer.ts";

const BYTE = CONTROLS.length;
const SPACE = BYTE + BYTES.length; // "▁"
const A = SPACE + 1; // "a"
const SPACE_A = SPACE + 2; // "▁a"
const GOOD = SPACE + 3; // "<|good|>", user-defined
const EOT = SPACE + 4; // "<|eot_id|>", control
const METADATA = makeMetadata([
  ...CONTROLS,
  ...BYTES,
  ["\u2581"],
  ["a"],
  ["\u2581a"],
  ["<|good|>", "user-defined"],
  ["<|eot_id|>", "control"],
]);

function made(keys: Record<string, unknown> = {}): Tokenizer {
  const others = Object.entries(keys)
    .map(([key, value]) => [`tokenizer.ggml.${key}`, value]);
  return Tokenizer.fromMetadata({ ...METADATA, ...Object.fromEntries(others) });
}

Deno.test("Tokenizer.encode() adds BOS as the file says or as it is told", () => {
  assertEquals(made().encode("a"), [1, SPACE_A]);
  assertEquals(made().encode(""), [1]);
  assertEquals(made().encode("a", { bos: false }), [SPACE_A]);
  assertEquals(made({ add_bos_token: false }).encode("a"), [SPACE_A]);
  assertEquals(
    made({ add_bos_token: false }).encode("a", { bos: true }),
    [1, SPACE_A],
  );
  assertEquals(made({ bos_token_id: EOT }).encode("a"), [EOT, SPACE_A]);
});

Deno.test("Tokenizer.encode() throws when BOS is wanted and there is none", () => {
  const tokenizer = Tokenizer.fromMetadata(makeMetadata([["a"], ["\u2581"]]));
  assertEquals(tokenizer.encode("a"), [1, 0]);
  assertThrows(() => tokenizer.encode("a", { bos: true }), Error, "add BOS");
});

Deno.test("Tokenizer.encode() adds EOS where the file says so", () => {
  const tokenizer = made({ add_eos_token: true });
  assertEquals(tokenizer.encode("a"), [1, SPACE_A, 2]);
  assertEquals(tokenizer.encode("a", { bos: false }), [SPACE_A]);
  assertEquals(tokenizer.encodeParts(["a"]), [1, SPACE_A]);
});

Deno.test("Tokenizer.encode() finds special tokens only when asked", () => {
  const tokenizer = made();
  const plain = tokenizer.encode("<s><|good|>", { bos: false });
  assertFalse(plain.some((id) => tokenizer.isSpecial(id)), `${plain}`);
  assertEquals(
    tokenizer.encode("a<|good|>a<s> a", { special: true }),
    [1, SPACE_A, GOOD, SPACE_A, 1, SPACE, SPACE_A],
  );
});

Deno.test("Tokenizer.encode() adds no prefix where the file says so", () => {
  const tokenizer = made({ add_space_prefix: false });
  assertEquals(
    tokenizer.encode("a<|good|>a", { bos: false, special: true }),
    [A, GOOD, A],
  );
  assertEquals(tokenizer.decode([SPACE_A]), " a");
});

Deno.test("Tokenizer.encode() takes half a surrogate pair for U+FFFD", () => {
  const tokenizer = made();
  assertEquals(tokenizer.encode("\ud83d"), tokenizer.encode("\ufffd"));
  assertEquals(tokenizer.decode(tokenizer.encode("a\ude00b")), "a\ufffdb");
});

Deno.test("Tokenizer.encode() takes U+2581 for a space", () => {
  const tokenizer = made();
  assertEquals(tokenizer.encode("\u2581a"), tokenizer.encode(" a"));
});

Deno.test("Tokenizer.encodeParts() never finds special tokens in text", () => {
  const tokenizer = made();
  const ids = tokenizer.encodeParts(["<s>", GOOD, "<|good|>"], { bos: false });
  assertEquals(ids.filter((id) => tokenizer.isSpecial(id)), [GOOD]);
  assertEquals(tokenizer.decode(ids), "<s><|good|><|good|>");
});

Deno.test("Tokenizer.encodeParts() starts a segment after a special id only", () => {
  assertEquals(
    made().encodeParts(["a", GOOD, "a", A, "a", 2, "a"]),
    [1, SPACE_A, GOOD, SPACE_A, A, A, 2, SPACE_A],
  );
});

Deno.test("Tokenizer.encodeParts() joins neighbouring texts", () => {
  const tokenizer = made();
  assertEquals(
    tokenizer.encodeParts(["", "a", "", " ", "a \ud83d", "\ude00"]),
    tokenizer.encode("a a 😀"),
  );
});

Deno.test("Tokenizer.encodeParts() adds BOS as the file says or as it is told", () => {
  assertEquals(made().encodeParts([]), [1]);
  assertEquals(made().encodeParts(["", GOOD], { bos: false }), [GOOD]);
  assertEquals(made({ add_bos_token: false }).encodeParts([]), []);
});

Deno.test("Tokenizer.encodeParts() throws when there is no such id", () => {
  assertThrows(() => made().encodeParts(["a", 5000]), RangeError, "token 5000");
});

Deno.test("Tokenizer.decode() leaves out control and unknown tokens", () => {
  assertEquals(
    made().decode([1, SPACE_A, GOOD, SPACE_A, 0, EOT, SPACE, SPACE_A, 2]),
    "a<|good|>a a",
  );
});

Deno.test("Tokenizer.decode() shows special tokens when asked", () => {
  assertEquals(
    made().decode([1, SPACE_A, GOOD, SPACE_A, 0, 2], { special: true }),
    "<s> a<|good|> a<unk></s>",
  );
});

Deno.test("Tokenizer.decode() gives nothing for no ids", () => {
  assertEquals(made().decode([]), "");
});

Deno.test("Tokenizer.decode() shows the text of unused tokens", () => {
  const tokenizer = Tokenizer.fromMetadata(
    makeMetadata([...CONTROLS, ["\u2581"], ["a", "unused"]]),
  );
  assertEquals(tokenizer.decode(tokenizer.encode("a a")), "a a");
});

Deno.test("Tokenizer.pieces() gives each token alone", () => {
  assertEquals(
    made().pieces([1, SPACE_A, BYTE + 0x41, BYTE + 0xc3, GOOD, 0]),
    ["<s>", " a", "A", "\ufffd", "<|good|>", "<unk>"],
  );
});

Deno.test("Tokenizer.pieces() gives names of special tokens as they are", () => {
  const tokenizer = Tokenizer.fromMetadata(makeMetadata([
    ["\u2581a", "unknown"],
    ["\u2581b", "control"],
    ["\u2581c", "user-defined"],
    ["\u2581d", "normal"],
  ]));
  assertEquals(
    tokenizer.pieces([0, 1, 2, 3]),
    ["\u2581a", "\u2581b", "\u2581c", " d"],
  );
});

Deno.test("Tokenizer.pieceBytes() gives UTF-8 and single bytes", () => {
  const tokenizer = made();
  assertEquals(tokenizer.pieceBytes(SPACE_A), Uint8Array.of(0x20, 0x61));
  assertEquals(tokenizer.pieceBytes(BYTE + 0xc3), Uint8Array.of(0xc3));
});

Deno.test("Tokenizer.specialId() knows control and user-defined tokens", () => {
  const tokenizer = made();
  assertEquals(tokenizer.specialId("<|good|>"), GOOD);
  assertEquals(tokenizer.specialId("<s>"), 1);
  assertEquals(tokenizer.specialId("<unk>"), undefined);
  assertEquals(tokenizer.specialId("a"), undefined);
  assertEquals(tokenizer.specialId("<0x41>"), undefined);
});

Deno.test("Tokenizer tells its size, ids and types", () => {
  const tokenizer = made();
  assertEquals(tokenizer.size, EOT + 1);
  assertEquals([tokenizer.bosId, tokenizer.eosId], [1, 2]);
  assertEquals(tokenizer.typeOf(A), "normal");
  assertEquals(tokenizer.typeOf(BYTE), "byte");
  assert(tokenizer.isSpecial(1) && tokenizer.isSpecial(GOOD));
  assertFalse(tokenizer.isSpecial(0) || tokenizer.isSpecial(A));
});

Deno.test("Tokenizer.isEndOfGeneration() knows EOS and ends of a turn", () => {
  const tokenizer = made();
  assert(tokenizer.isEndOfGeneration(2) && tokenizer.isEndOfGeneration(EOT));
  assertFalse(tokenizer.isEndOfGeneration(1) || tokenizer.isEndOfGeneration(A));
});

Deno.test("Tokenizer throws when an id is out of range", () => {
  const tokenizer = made();
  const message = `token 264: the vocabulary has 264 tokens`;
  assertThrows(() => tokenizer.decode([264]), RangeError, message);
  assertThrows(() => tokenizer.pieces([264]), RangeError, message);
  assertThrows(() => tokenizer.pieceBytes(264), RangeError, message);
  assertThrows(() => tokenizer.typeOf(264), RangeError, message);
  assertThrows(() => tokenizer.isSpecial(264), RangeError, message);
});
