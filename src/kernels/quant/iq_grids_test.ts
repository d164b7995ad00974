import { assertEquals } from "@std/assert";
import {
  decodeGrid,
  type Grid,
  gridTable,
  IQ1_GRID,
  iq1Table,
  IQ2_S_GRID,
  IQ2_XS_GRID,
  IQ2_XXS_GRID,
  IQ3_S_GRID,
  IQ3_XXS_GRID,
} from "./iq_grids.ts";

/** Points, and the SHA-256 of ggml's grid with each weight as a byte. */
const GRIDS: Record<string, { grid: Grid; points: number; hash: string }> = {
  "IQ2_XXS": {
    grid: IQ2_XXS_GRID,
    points: 256,
    hash: "05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54",
  },
  "IQ2_XS": {
    grid: IQ2_XS_GRID,
    points: 512,
    hash: "06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de",
  },
  "IQ2_S": {
    grid: IQ2_S_GRID,
    points: 1024,
    hash: "e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88",
  },
  "IQ3_XXS": {
    grid: IQ3_XXS_GRID,
    points: 256,
    hash: "46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d",
  },
  "IQ3_S": {
    grid: IQ3_S_GRID,
    points: 512,
    hash: "bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f",
  },
  "IQ1_S": {
    grid: IQ1_GRID,
    points: 2048,
    hash: "07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a",
  },
};

for (const [name, { grid, points, hash }] of Object.entries(GRIDS)) {
  Deno.test(`decodeGrid() makes ggml's points when the grid is ${name}'s`, async () => {
    const values = decodeGrid(grid);
    assertEquals(values.length, points * grid.size);
    const digest = await crypto.subtle.digest("SHA-256", values);
    assertEquals(new Uint8Array(digest).toHex(), hash);
  });
}

Deno.test("decodeGrid() has the first weight as the lowest digit when points are few", () => {
  // Numbers 0, 1, 3 and 8 of base 3: digits 00, 10, 01, 22.
  const bitmap = Uint8Array.of(0b1011, 1).toBase64();
  const values = decodeGrid({ size: 2, levels: [-5, 7, 9], bitmap });
  assertEquals([...values], [-5, -5, 7, -5, -5, 7, 9, 9]);
});

Deno.test("gridTable() puts four weights in a word when the grid is IQ3_S's", () => {
  const table = gridTable(IQ3_S_GRID);
  assertEquals(table.length, 512);
  assertEquals([...table.subarray(0, 2)], [0x01010101, 0x01010103]);
});

Deno.test("iq1Table() puts eight nibbles in a word when the grid is IQ1's", () => {
  // The first points: every weight -1, and the first one 1.
  assertEquals([...iq1Table().subarray(0, 2)], [0, 8]);
  // The last: every weight 1.
  assertEquals(iq1Table().at(-1), 0x88888888);
});
