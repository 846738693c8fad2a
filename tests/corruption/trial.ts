// SPDX-License-Identifier: Apache-2.0
// trial.ts <rounds> [seed [target]]
//
// Runs every cell, or those of one target, so many times, in both runtimes, on a RouDi of its own, and prints what came of it. In a
// namespace, where no other RouDi is:
//
//   sh tests/support/namespace.sh deno run --allow-all tests/corruption/trial.ts 20
import process from "node:process";
import { assert } from "@std/assert";
import { RouDi } from "../support/roudi.ts";
import { type Cell, runCell, SPOILS } from "./cell.ts";

const rounds = Number(process.argv[2]);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
assert(
  Number.isSafeInteger(rounds) && rounds > 0 && Number.isSafeInteger(seed),
  "Usage: trial.ts <rounds> [seed [target]]",
);

const COLUMNS = ["trials", "bytes", "sent", "good", "wrong", "corrupt", "spoiled", "missed", "faults"] as const;
const only = process.argv[4];
const cells: readonly Cell[] = (["deno", "bun"] as const).flatMap((reader) =>
  SPOILS.filter(({ target }) => only === undefined || target === only).map((
    spoil,
  ) => ({ ...spoil, reader, writer: reader === "deno" ? "bun" : "deno" } as const))
);
const nameOf = ({ stack, way, target, reader }: Cell): string => `${target}, ${way}, ${reader}, ${stack}`;
const sums = new Map(cells.map((cell) => [nameOf(cell), Object.fromEntries(COLUMNS.map((column) => [column, 0]))]));

function table(): string {
  const rows = [
    ["spoiled, read, reader, stack", ...COLUMNS],
    ...[...sums].map(([name, row]) => [name, ...Object.values(row)]),
  ];
  return rows.map(([name, ...values]) =>
    `${`${name}`.padEnd(36)}${values.map((value) => `${value}`.padStart(12)).join("")}`
  )
    .join("\n");
}

let faults = 0;
{
  await using _roudi = await RouDi.start();
  for (let round = 0; round < rounds; round++) {
    for (const [index, cell] of cells.entries()) {
      const own = seed + round * cells.length + index;
      const result = await runCell(cell, own).catch((error) => ({ faults: [String(error)] }));
      const row = sums.get(nameOf(cell))!;
      row.trials!++;
      for (const [column, value] of Object.entries(result)) {
        if (typeof value === "number" && column in row) row[column]! += value;
      }
      row.faults! += result.faults.length;
      faults += result.faults.length;
      for (const fault of result.faults) console.log(`${nameOf(cell)}, seed ${own}: ${fault}`);
    }
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${rounds}`);
  }
}
console.log(table());
console.log(`${rounds * cells.length} trials from seed ${seed}, ${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
