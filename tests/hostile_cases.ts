import { gzipSync } from "node:zlib";
import type { SourceOptions } from "../src/sources/context.ts";
import { sha256 } from "./fake_hub.ts";
import type { Behave, Reply } from "./hostile_server.ts";
import { makeModel } from "./models.ts";

/** A model of about 560 KB. */
export const MODEL = makeModel({ dim: 64, hiddenDim: 192 });
/** Another one, as long. */
export const OTHER = makeModel({ dim: 64, hiddenDim: 192, seed: 2 });

/** So that several connections and pieces are at it, and nothing waits long. */
export const MANNERS = {
  connections: 3,
  pieceBytes: 50_000,
  idleMs: 300,
  retryMs: 1,
  attempts: 4,
  saveMs: 5,
};

/** What a server does, and what has to come of it. */
export interface HostileCase {
  /** What it does. */
  name: string;
  /** Makes what does so. */
  behave: () => Behave;
  /** What the error says; `undefined` where a good file has to come. */
  error?: string;
  /** What is asked for. */
  options?: SourceOptions;
  /** What has to come, if not `MODEL`. */
  bytes?: Uint8Array;
}

/** All of the model, as of a server that knows no ranges. */
export function wholeReply(headers: Reply["headers"]): Partial<Reply> {
  return {
    status: 200,
    headers: {
      ...headers,
      "content-range": undefined,
      "content-length": `${MODEL.length}`,
    },
    body: MODEL,
  };
}

/** Misbehaves for some requests of more than the first byte. */
function sometimes(
  which: (countOfAll: number, countOfRange: number) => boolean,
  behave: Behave,
): () => Behave {
  return () => {
    let all = 0;
    const ranges = new Map<string, number>();
    return (request, reply) => {
      const key = String(request.range);
      if (key === "0,1") return undefined;
      const count = ranges.get(key) ?? 0;
      ranges.set(key, count + 1);
      return which(all++, count) ? behave(request, reply) : undefined;
    };
  };
}
const always = () => true;
const first = (many: number) => (all: number) => all < many;
/** The first time that a range is asked for. */
const often = (_: number, count: number) => count === 0;
/** What servers say in place of a file. */
export const JUNK = new TextEncoder().encode("<html>Not found</html>");

/** Every way in which a server may go wrong. */
export const HOSTILE_CASES: HostileCase[] = [
  { name: "behaves", behave: () => () => {} },
  {
    name: "drops the first connection of each range",
    behave: sometimes(often, () => ({ dropAfter: 20_000 })),
  },
  {
    name: "drops every connection, but not at once",
    behave: sometimes(always, () => ({ dropAfter: 30_000 })),
  },
  {
    name: "drops every connection at once",
    behave: sometimes(always, () => ({ dropAfter: 0 })),
    error: "the connection broke, after 4 attempts",
  },
  {
    name: "refuses more connections while one is slow",
    behave: () => {
      let end: number | undefined;
      return ({ range: [start, stop] = [0, 0] }) => {
        if (stop <= 1) return;
        if (start === 0) {
          // It takes 250 ms; no refusal comes behind it.
          end = performance.now() + 150;
          return { delayMs: 10, pieceBytes: 2000 };
        }
        const isOver = end !== undefined && performance.now() > end;
        if (isOver) return;
        // Late enough that the slow one sends by then.
        return { status: 503, body: JUNK, headDelayMs: 60 };
      };
    },
    options: { manners: { ...MANNERS, retryMs: 10 } },
  },
  {
    name: "truncates and says so",
    behave: sometimes(often, (_, { headers, body }) => ({
      headers: { ...headers, "content-length": "1000" },
      body: body.subarray(0, 1000),
    })),
  },
  {
    name: "truncates without a length",
    behave: sometimes(often, (_, { headers, body }) => ({
      headers: { ...headers, "content-length": undefined },
      body: body.subarray(0, 1000),
    })),
  },
  {
    name: "answers 200 to ranges, with all of it",
    behave: () => ({ range }, { headers }) => range && wholeReply(headers),
  },
  {
    name: "answers 200 to ranges after the first",
    behave: sometimes(always, (_, { headers }) => wholeReply(headers)),
  },
  {
    name: "answers 206 with all of it",
    behave: sometimes(always, (_, { headers }) => ({
      headers: { ...headers, "content-length": `${MODEL.length}` },
      body: MODEL,
    })),
  },
  {
    name: "sends another range than it was asked for",
    behave: sometimes(often, ({ range }, { headers }) =>
      range && {
        headers: {
          ...headers,
          "content-range": `bytes 0-${range[1] - range[0] - 1}/${MODEL.length}`,
        },
        body: MODEL.subarray(0, range[1] - range[0]),
      }),
  },
  {
    name: "changes its ETag at every request",
    behave: () => (request, { headers }) => ({
      headers: { ...headers, etag: `"${request.number}"` },
    }),
    error: "did not stay as it was: its etag is",
  },
  {
    name: "says more bytes than there are",
    behave: () => ({ range }, { headers }) => ({
      headers: {
        ...headers,
        ...(range && {
          "content-range": `bytes ${range[0]}-${range[1] - 1}/${
            MODEL.length + 1000
          }`,
          "content-length": `${range[1] - range[0]}`,
        }),
      },
    }),
    error: `of ${MODEL.length + 1000}, after 4 attempts`,
  },
  {
    name: "says fewer bytes than there are",
    behave: () => ({ range }, { headers, body }) =>
      range
        ? {
          headers: {
            ...headers,
            "content-range": `bytes ${range[0]}-${range[1] - 1}/300000`,
          },
        }
        : { headers: { ...headers, "content-length": "300000" }, body },
    error: "what came is no whole GGUF file",
  },
  {
    name: "says another length at each request",
    behave: () => ({ number, range }, { headers }) => ({
      headers: {
        ...headers,
        "content-range": range &&
          `bytes ${range[0]}-${range[1] - 1}/${MODEL.length + number}`,
      },
    }),
    error: "did not stay as it was",
  },
  {
    name: "sends something else at the end",
    behave: sometimes(always, (_, { body }) => ({
      body: body.map((byte, i) => i === body.length - 1 ? byte ^ 1 : byte),
    })),
    options: { sha256: sha256(MODEL) },
    error: `${sha256(MODEL)} is wanted`,
  },
  {
    name: "tells a wrong hash",
    behave: () => (_, { headers }) => ({
      headers: { ...headers, "x-linked-etag": `"${sha256(OTHER)}"` },
    }),
    error: `its SHA-256 is ${sha256(MODEL)}, ${sha256(OTHER)} is wanted`,
  },
  {
    name: "answers 416 to every range",
    behave: () => ({ range }, { headers }) =>
      range && {
        status: 416,
        headers: { ...headers, "content-range": undefined },
        body: new Uint8Array(),
      },
  },
  {
    name: "answers 416 to the first request of each range",
    behave: sometimes(often, () => ({
      status: 416,
      headers: { "content-length": "0" },
      body: new Uint8Array(),
    })),
  },
  {
    name: "answers 500 three times",
    behave: sometimes(first(3), () => ({ status: 500, body: JUNK })),
  },
  {
    name: "answers 503 forever",
    behave: () => () => ({ status: 503, body: JUNK }),
    error: "answers 503 Service Unavailable, after 4 attempts",
  },
  {
    name: "answers 404",
    behave: () => () => ({ status: 404, body: JUNK }),
    error: "answers 404 Not Found",
  },
  {
    name: "answers 404 midway",
    behave: sometimes(
      (count) => count > 2,
      () => ({ status: 404, body: JUNK }),
    ),
    error: "answers 404 Not Found",
  },
  {
    name: "says nothing midway, once",
    behave: sometimes((count) => count === 2, () => ({
      delayMs: 500,
    })),
  },
  {
    name: "says nothing at all",
    behave: sometimes(always, () => ({ delayMs: 500 })),
    error: "the server says nothing any more, after 4 attempts",
  },
  {
    name: "is slow but steady",
    behave: sometimes(always, () => ({ delayMs: 5, pieceBytes: 10_000 })),
  },
  {
    name: "sends gzip unasked",
    behave: () => ({ range }, { headers, body }) => {
      const packed = gzipSync(body);
      return {
        status: range ? 206 : 200,
        headers: {
          ...headers,
          "content-encoding": "gzip",
          "content-length": `${packed.length}`,
        },
        body: packed,
      };
    },
  },
  {
    name: "sends broken gzip",
    behave: () => (_, { headers, body }) => {
      const packed = gzipSync(body).subarray(0, -100);
      return {
        status: 200,
        headers: {
          ...headers,
          "content-encoding": "gzip",
          "content-length": `${packed.length}`,
        },
        body: packed,
      };
    },
    error: "its gzip data is broken",
  },
  {
    name: "sends a page in place of the model",
    behave: () => () => ({
      status: 200,
      headers: { "content-length": `${JUNK.length}` },
      body: JUNK,
    }),
    error: "what came is no whole GGUF file",
  },
  {
    name: "knows no lengths and no ranges",
    behave: () => (_, { headers }) => ({
      status: 200,
      headers: {
        ...headers,
        "content-length": undefined,
        "content-range": undefined,
      },
      body: MODEL,
    }),
  },
  {
    name: "cuts what has no length",
    behave: () => (_, { headers }) => ({
      status: 200,
      headers: {
        ...headers,
        "content-length": undefined,
        "content-range": undefined,
      },
      body: MODEL.subarray(0, -1),
    }),
    error: "what came is no whole GGUF file",
  },
  {
    name: "speaks no HTTP",
    behave: () => () => ({ status: 99999 }),
    error: "cannot be reached",
  },
  {
    name: "has an empty file",
    behave: () => () => ({
      status: 416,
      headers: { "content-range": "bytes */0", "content-length": "0" },
      body: new Uint8Array(),
    }),
    error: "what came is no whole GGUF file",
  },
];
