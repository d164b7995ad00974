import { checkScheme } from "../files/check_file.ts";
import { FileReplacement } from "../files/file_replacement.ts";
import { type GgufLayout, type GgufPlan, layOutGguf } from "./layout.ts";
import { quote } from "./quote.ts";
import type { TensorInfo } from "./scan_tensors.ts";

/** Options for {@linkcode GgufWriter.create}. */
export interface GgufWriterOptions {
  /** Stops the writing: nothing of the file stays. */
  signal?: AbortSignal | undefined;
}

/** Zeros that are written at once. */
const ZEROS = new Uint8Array(64 * 1024);

/**
 * Writes a GGUF file: the header at once, then the data of the tensors, one
 * after the other, in chunks. Until {@linkcode GgufWriter.finish} the file has
 * another name, and a file of its own name stays as it is.
 *
 * ```ts ignore
 * await using writer = await GgufWriter.create("out.gguf", plan);
 * for (const { name } of writer.tensors) {
 *   for await (const chunk of dataOf(name)) await writer.write(name, chunk);
 * }
 * await writer.finish();
 * ```
 */
export class GgufWriter implements AsyncDisposable {
  /** What errors call the file. */
  readonly label: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** The tensors in the order in which they are to be written. */
  readonly tensors: readonly TensorInfo[];
  readonly #alignment: number;
  readonly #file: FileReplacement;
  readonly #signal: AbortSignal | undefined;
  /** Index of the tensor that is written, and how far it is. */
  #tensor = 0;
  #done = 0;

  private constructor(
    file: FileReplacement,
    { label, layout, signal }: {
      label: string;
      layout: Omit<GgufLayout, "header">;
      signal: AbortSignal | undefined;
    },
  ) {
    this.label = label;
    this.size = layout.size;
    this.tensors = layout.tensors;
    this.#alignment = layout.alignment;
    this.#file = file;
    this.#signal = signal;
  }

  /**
   * Checks a plan and writes its header.
   *
   * @param path The file; of a URL its path counts.
   * @param plan What the file is to hold.
   * @param options Interruption.
   * @returns The writer, to be disposed of by the caller.
   * @throws {TypeError | RangeError | SyntaxError} If the plan is no GGUF file;
   * see {@linkcode layOutGguf}.
   * @throws {Error} If the file cannot be written.
   */
  static async create(
    path: string | URL,
    plan: GgufPlan,
    { signal }: GgufWriterOptions = {},
  ): Promise<GgufWriter> {
    signal?.throwIfAborted();
    checkScheme(path, "write");
    const label = String(path);
    const { header, ...layout } = await layOutGguf(plan, label);
    const file = await attempt(
      label,
      () => FileReplacement.open(path, { mode: 0o666, size: layout.size }),
    );
    const options = { label, layout, signal };
    const writer = new GgufWriter(file, options);
    try {
      await writer.#append(header, layout.dataOffset - header.length);
      return writer;
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Writes the next bytes of a tensor's data.
   *
   * @param name The tensor: the one whose turn it is, in the plan's order.
   * @param bytes The bytes, to be left alone until they are written.
   * @throws {Error} If it is another tensor's turn, or it cannot be written.
   * @throws {RangeError} If they are more than the tensor has.
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const tensor = this.tensors[this.#tensor];
    if (tensor?.name !== name) {
      throw new Error(
        `Cannot write "${this.label}": tensor ${quote(name)} is given, ` +
          `${this.#wanted()} is wanted`,
      );
    }
    const done = this.#done + bytes.length;
    if (done > tensor.bytes) {
      throw new RangeError(
        `Cannot write "${this.label}": tensor ${quote(name)} is given ` +
          `${done} bytes, ${tensor.bytes} are wanted`,
      );
    }
    // Before the bytes are awaited, so that calls may overlap.
    this.#done = done;
    if (done < tensor.bytes) return await this.#append(bytes);
    this.#tensor++;
    this.#done = 0;
    const end = Math.ceil(tensor.bytes / this.#alignment) * this.#alignment;
    await this.#append(bytes, end - tensor.bytes);
  }

  /**
   * Ends the file and gives it its name.
   *
   * @throws {Error} If a tensor is not whole yet, a write has failed, or it
   * cannot be given its name. Nothing of it stays once it is disposed of.
   */
  async finish(): Promise<void> {
    if (this.#tensor < this.tensors.length) {
      throw new Error(
        `Cannot write "${this.label}": it ends early, ${this.#wanted()} ` +
          "is wanted",
      );
    }
    this.#signal?.throwIfAborted();
    const signal = this.#signal;
    await attempt(this.label, () => this.#file.commit({ signal }), signal);
  }

  /** Removes what was written, unless it is finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }

  #wanted(): string {
    const tensor = this.tensors[this.#tensor];
    if (tensor === undefined) return "no more data";
    const from = this.#done === 0 ? "" : ` from byte ${this.#done} on`;
    return `tensor ${quote(tensor.name)}${from}`;
  }

  /** Writes bytes, and zeros after them. */
  async #append(bytes: Uint8Array, zeros = 0): Promise<void> {
    this.#signal?.throwIfAborted();
    // All in one go, so that no other call's bytes come between them.
    const writes = [this.#file.write(bytes)];
    for (let left = zeros; left > 0; left -= ZEROS.length) {
      writes.push(this.#file.write(ZEROS.subarray(0, left)));
    }
    await attempt(this.label, () => Promise.all(writes));
  }
}

/** Tells of what the system refuses as of all that goes wrong. */
async function attempt<T>(
  label: string,
  action: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const message = reason(cause);
    if (message.startsWith("Cannot write ")) throw cause;
    throw new Error(`Cannot write "${label}": ${message}`, { cause });
  }
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "there is no such folder";
  if (cause instanceof Deno.errors.NotCapable) {
    return "no permission to write it, run Deno with --allow-write and " +
      "--allow-read";
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "no permission to write it";
  }
  return cause instanceof Error ? cause.message : String(cause);
}
