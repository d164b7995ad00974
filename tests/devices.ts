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
