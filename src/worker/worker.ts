// The module that the worker runs; see load.ts for the thread that starts it.

import { EngineHost } from "./host.ts";
import type { Reply, Request } from "./messages.ts";

const scope = globalThis as unknown as {
  postMessage(reply: Reply): void;
  onmessage: (event: MessageEvent<Request>) => void;
};

const host = new EngineHost((reply) => scope.postMessage(reply));
scope.onmessage = ({ data }) => host.receive(data);
