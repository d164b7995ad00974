// The module that the worker runs; see thread.ts for who starts it.

import { EngineHost } from "./host.ts";
import type { WorkerReply, WorkerRequest } from "./messages.ts";

const scope = globalThis as unknown as {
  postMessage(reply: WorkerReply): void;
  onmessage: (event: MessageEvent<WorkerRequest>) => void;
};

const host = new EngineHost((reply) => scope.postMessage(reply));
scope.onmessage = ({ data }) => host.receive(data);
