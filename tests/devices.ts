import { type Gpu, requestGpu } from "../src/gpu/gpu.ts";

/**
 * Watches the devices that are requested while `fn` runs.
 *
 * @param fn What requests them.
 * @returns Of each device in order, whether it is destroyed; this goes on being
 * told when `fn` is done.
 */
export async function watchDevices(
  fn: () => Promise<unknown>,
): Promise<readonly boolean[]> {
  const destroyed: boolean[] = [];
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    const index = destroyed.push(false) - 1;
    const destroy = device.destroy.bind(device);
    device.destroy = () => {
      destroyed[index] = true;
      destroy();
    };
    return device;
  };
  try {
    await fn();
  } finally {
    GPUAdapter.prototype.requestDevice = requestDevice;
  }
  return destroyed;
}

/**
 * A device whose driver computes something else in some kernels.
 *
 * @param label Part of the labels of the kernels.
 * @param replacement WGSL that stands in them, and what the driver takes it for.
 * @param options Whether there may be others with the label, which are right.
 * @returns The device; destroy it when done.
 */
export async function wrongDriver(
  label: string,
  [right, wrong]: readonly [string, string],
  { others = false }: { others?: boolean } = {},
): Promise<Gpu> {
  const gpu = await requestGpu();
  const create = gpu.device.createShaderModule.bind(gpu.device);
  gpu.device.createShaderModule = (descriptor) => {
    const { code, label: name = "" } = descriptor;
    if (!name.includes(label)) return create(descriptor);
    if (!code.includes(right)) {
      if (others) return create(descriptor);
      throw new Error(`"${name}" has no "${right}"`);
    }
    return create({ ...descriptor, code: code.replaceAll(right, wrong) });
  };
  return gpu;
}
