/**
 * Downloads from a server that misbehaves at random, each time in other ways: a
 * good file or a clear error has to come of it, and never a bad cache.
 *
 *     deno run -A tests/hostile_random.ts COUNT SEED
 *
 * @module
 */

import type { SourceOptions } from "../src/sources/context.ts";
import { verifyCache } from "../src/sources/cache_check.ts";
import { sha256 } from "./fake_hub.ts";
import { type Random, seeded } from "./gguf_mutate.ts";
import { JUNK, MANNERS, MODEL, OTHER } from "./hostile_cases.ts";
import { type Behave, HostileServer, type Reply } from "./hostile_server.ts";
import { readAll } from "./read_source.ts";

/** What came of it. */
export interface HostileReport {
  /** Downloads that came to a good file. */
  good: number;
  /** Errors, by what they say without numbers. */
  errors: Record<string, number>;
}

/** What a server may do to an answer. */
type Fault = (reply: Reply, random: Random, server: HostileServer) => void;

const FAULTS: Fault[] = [
  (reply, random) => void (reply.dropAfter = random() * reply.body.length | 0),
  (reply) => void (reply.dropAfter = 0),
  (reply) => Object.assign(reply, { status: 500, body: JUNK }),
  (reply) => Object.assign(reply, { status: 503, body: JUNK }),
  (reply) => {
    Object.assign(reply, { status: 429, body: JUNK });
    reply.headers["retry-after"] = "0";
  },
  (reply) => Object.assign(reply, { status: 416, body: new Uint8Array() }),
  (reply, random) => {
    reply.body = reply.body.subarray(0, random() * reply.body.length | 0);
    reply.headers["content-length"] = undefined;
  },
  (reply, random) => {
    reply.headers["content-length"] = `${random() * 1e6 | 0}`;
  },
  (reply, random) => {
    const start = random() * 1e5 | 0;
    reply.headers["content-range"] = `bytes ${start}-${start + 9}/100000`;
  },
  (reply) => void (reply.headers["content-range"] = undefined),
  (reply) => {
    reply.headers["content-range"] &&= reply.headers["content-range"]
      .replace(/\d+$/, "*");
  },
  (reply, _, server) => {
    Object.assign(reply, {
      status: 200,
      body: server.files.get("/m.gguf")!.bytes,
    });
    reply.headers["content-range"] = undefined;
    reply.headers["content-length"] = undefined;
  },
  (reply) => void (reply.headers["content-encoding"] = "gzip"),
  (reply) => void (reply.headers["etag"] = undefined),
  (reply) => void (reply.headers["etag"] = 'W/"v1"'),
  (_, random, server) => {
    const [bytes, etag] = random() < 0.5 ? [OTHER, '"v2"'] : [MODEL, '"v1"'];
    server.files.set("/m.gguf", { bytes, etag });
  },
  (reply) => void (reply.delayMs = 1),
];

/** Only a hash tells that bytes are other ones. */
const CORRUPTION: Fault = (reply, random) => {
  const at = random() * reply.body.length | 0;
  reply.body = reply.body.map((byte, i) => i === at ? byte ^ 1 : byte);
};

/** Downloads again and again, from a server of other faults each time. */
export async function downloadHostile(
  { count, seed }: { count: number; seed: number },
): Promise<HostileReport> {
  const report: HostileReport = { good: 0, errors: {} };
  const wanted = [sha256(MODEL), sha256(OTHER)];
  for (let round = 0; round < count; round++) {
    const random = seeded(seed * 1000 + round);
    const cacheDir = await Deno.makeTempDir();
    await using server = new HostileServer({ "/m.gguf": MODEL });
    const isHashed = random() < 0.5;
    server.behave = misbehave(random, server, isHashed);
    const options: SourceOptions = {
      cacheDir,
      manners: { ...MANNERS, pieceBytes: 20_000 + random() * 2e5 | 0 },
      ...(isHashed && { sha256: wanted[0] }),
    };
    const where = `round ${round} of seed ${seed}`;
    try {
      // Twice: the second one meets what the first one has left.
      for (let attempt = 0; attempt < 2; attempt++) {
        try {
          const hash = sha256(await readAll(server.url("/m.gguf"), options));
          const isGood = isHashed ? hash === wanted[0] : wanted.includes(hash);
          if (!isGood) throw new Error(`${where}: a file is wrong`);
          report.good++;
        } catch (error) {
          const { message } = error as Error;
          if (!message.startsWith("Cannot ")) throw error;
          const kind = message.replace(/^Cannot download "[^"]*": /, "")
            .replace(/[\da-f]{64}|[\d.]+/g, "#");
          report.errors[kind] = (report.errors[kind] ?? 0) + 1;
        }
      }
      for (const { problem, sha256 } of await verifyCache({ cacheDir })) {
        if (problem === undefined && wanted.includes(sha256!)) continue;
        throw new Error(`${where}: the cache is bad`);
      }
    } finally {
      await Deno.remove(cacheDir, { recursive: true });
    }
  }
  return report;
}

/** A server that does a few of all wrong things, more or less often. */
function misbehave(
  random: Random,
  server: HostileServer,
  isHashed: boolean,
): Behave {
  const all = isHashed ? [...FAULTS, CORRUPTION] : FAULTS;
  const faults = Array.from(
    { length: 1 + random() * 4 | 0 },
    () => all[random() * all.length | 0]!,
  );
  const often = random() * 0.6;
  return (_, reply) => {
    for (const fault of faults) {
      if (random() < often) fault(reply, random, server);
    }
    return reply;
  };
}

if (import.meta.main) {
  const [count = 100, seed = 1] = Deno.args.map(Number);
  // deno-lint-ignore no-console -- a program
  console.log(await downloadHostile({ count, seed }));
}
