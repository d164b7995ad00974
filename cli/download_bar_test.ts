import { assertEquals } from "@std/assert";
import type { DownloadProgress } from "../mod.ts";
import { downloadLine } from "./download_bar.ts";

const PROGRESS: DownloadProgress = {
  label: "hf:o/r",
  phase: "downloading",
  loadedBytes: 3 * 2 ** 30,
  totalBytes: 4 * 2 ** 30,
  bytesPerSecond: 100 * 2 ** 20,
  secondsLeft: 3725,
};

Deno.test("downloadLine() leaves out what matters less when the terminal is narrow", () => {
  const figures = "3.00 GiB of 4.00 GiB at 100.0 MiB/s, 1 h 02 min left";
  const lines: [columns: number, line: string][] = [
    [200, `downloading ${"█".repeat(18)}${"░".repeat(6)} ${figures}`],
    [73, `downloading ██████░░ ${figures}`],
    [70, `downloading ${figures}`],
    [52, figures],
    [40, "3.00 GiB of 4.00 GiB, 1 h 02 min left"],
    [20, "3.00 GiB of 4.00 GiB"],
    [5, "3.00 GiB of 4.00 GiB"],
  ];
  for (const [columns, line] of lines) {
    assertEquals(downloadLine(PROGRESS, columns), line);
  }
});

Deno.test("downloadLine() says what is known when a server tells no size", () => {
  const unknown = { totalBytes: undefined, secondsLeft: undefined };
  assertEquals(
    downloadLine({ ...PROGRESS, ...unknown }, 80),
    `downloading ${"░".repeat(24)} 3.00 GiB at 100.0 MiB/s`,
  );
});
