import { assertThrows } from "@std/assert";
import { gpu, gpuTest } from "../../tests/gpu.ts";
import { hardware, software } from "../../tests/kernels.ts";
import { GpuMemoryError } from "../gpu/buffers.ts";
import { checkSystemMemory } from "./memory.ts";

const MANY = 2 ** 60;

gpuTest(
  "checkSystemMemory() refuses a software adapter what is not free",
  (gpu) => {
    const error = assertThrows(
      () => checkSystemMemory(gpu, "weights", MANY),
      GpuMemoryError,
      "Cannot allocate weights: ",
    );
    if (error.requested !== MANY) throw new Error(`${error.requested}`);
    checkSystemMemory(gpu, "weights", 2 ** 20);
    return Promise.resolve();
  },
  software,
);

gpuTest("checkSystemMemory() leaves it to a GPU to say what it has", () => {
  checkSystemMemory(hardware ?? gpu!, "weights", MANY);
  return Promise.resolve();
}, hardware);
