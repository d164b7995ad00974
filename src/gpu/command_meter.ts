/** Adds up the time that JavaScript spends on commands. */
export interface CommandMeter extends Disposable {
  /** Milliseconds since it was created or reset. */
  readonly ms: number;
  /** Begins anew. */
  reset(): void;
}

/**
 * Measures what commands cost the CPU: from the creation of an encoder to the
 * end of its `finish()`, and the calls that submit them and write to buffers.
 * Waiting for the GPU is no part of it.
 *
 * @param device The device, whose methods are wrapped until it is disposed of.
 * @returns The meter.
 */
export function meterCommands(device: GPUDevice): CommandMeter {
  let ms = 0;
  const { queue } = device;
  const timed = (name: "submit" | "writeBuffer") => {
    const method = queue[name].bind(queue) as (...args: unknown[]) => void;
    Object.assign(queue, {
      [name](...args: unknown[]) {
        const start = performance.now();
        method(...args);
        ms += performance.now() - start;
      },
    });
  };
  timed("submit");
  timed("writeBuffer");
  const create = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const start = performance.now();
    const encoder = create(descriptor);
    const finish = encoder.finish.bind(encoder);
    encoder.finish = (descriptor) => {
      const commands = finish(descriptor);
      ms += performance.now() - start;
      return commands;
    };
    return encoder;
  };
  return {
    get ms() {
      return ms;
    },
    reset() {
      ms = 0;
    },
    [Symbol.dispose]() {
      // What was wrapped lies on the prototypes.
      Reflect.deleteProperty(queue, "submit");
      Reflect.deleteProperty(queue, "writeBuffer");
      Reflect.deleteProperty(device, "createCommandEncoder");
    },
  };
}
