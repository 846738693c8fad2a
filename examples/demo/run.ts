// SPDX-License-Identifier: Apache-2.0
// The demo: 20 years of the S&P 500 from one process to a strategy in Deno and a risk service in Bun, first over the ring and once
// more over the queue lane, and a check that both saw every bar each time. Run it with `./x demo`.
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { Broadcast } from "./broadcast.ts";
import { Progress } from "./progress.ts";
import { report } from "./report.ts";
import { differences, expectedOf } from "./verify.ts";

const { values } = parseArgs({
  options: {
    "file": { type: "string", default: "node_modules/vega-datasets/data/sp500-2000.csv" },
    "bars-per-second": { type: "string", default: "1000" },
  },
});
const { file } = values;
const barsPerSecond = Number(values["bars-per-second"]);
if (!(barsPerSecond > 0)) {
  console.error(`Cannot run the demo: --bars-per-second must be a number above 0, not ${values["bars-per-second"]}`);
  process.exit(2);
}

const began = performance.now();
const expected = expectedOf(readFileSync(file, "utf8"));

console.log(`${expected.bars} daily bars, ${expected.firstDate} to ${expected.lastDate}, ${barsPerSecond} a second`);
console.log("feed      deno run --allow-ffi --allow-read examples/feed.ts");
console.log("strategy  deno run --allow-ffi examples/strategy.ts");
console.log("service   bun run examples/service.ts");

const broadcast = new Broadcast(file, barsPerSecond, expected.bars);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    broadcast.stop();
    process.exit(130);
  });
}

try {
  console.log("\nOver the ring");
  const ring = await broadcast.run("ring", new Progress(), true);
  console.log("\nOver the queue lane: the same bars once more, to compare");
  const queue = await broadcast.run("queue", new Progress(), false);

  for (const line of report(expected, ring, queue)) console.log(line);
  const found = [...differences("ring", expected, ring), ...differences("queue lane", expected, queue)];
  for (const difference of found) console.error(`DIFFERENT ${difference}`);
  if (found.length > 0) throw new Error("what was received is not what is in the file");
} catch (error) {
  console.error(`The demo FAILED: ${(error as Error).message}`);
  process.exit(1);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(
  `On both lanes both readers have the count and the checksum of the file (${expected.checksum}). It took ${seconds} s.`,
);
