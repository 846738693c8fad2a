// SPDX-License-Identifier: Apache-2.0
// The demo: 20 years of the S&P 500 from one process to a strategy in Deno and a risk service in Bun, and a check that both
// saw every bar. Run it with `./x demo`.
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { Program } from "./program.ts";
import { Progress } from "./progress.ts";
import { report, type ServiceResult, type StrategyResult } from "./report.ts";
import { differences, expectedOf, type FeedResult } from "./verify.ts";

const { values } = parseArgs({
  options: {
    "file": { type: "string", default: "node_modules/vega-datasets/data/sp500-2000.csv" },
    "bars-per-second": { type: "string", default: "500" },
  },
});
const file = values.file;
const barsPerSecond = Number(values["bars-per-second"]);
if (!(barsPerSecond > 0)) {
  console.error(`Cannot run the demo: --bars-per-second must be a number above 0, not ${values["bars-per-second"]}`);
  process.exit(2);
}
/** What everything but the broadcast itself may take, at the very most. */
const GRACE_MS = 60_000;

const began = performance.now();
const expected = expectedOf(readFileSync(file, "utf8"));
// Where the demo can have no RouDi of its own, two demos still meet on streams of their own.
const stream = `sp500-${process.pid}`;
const progress = new Progress();

console.log(`${expected.bars} daily bars, ${expected.firstDate} to ${expected.lastDate}, ${barsPerSecond} a second`);
console.log("feed      deno run --allow-ffi --allow-read examples/feed.ts");
console.log("strategy  deno run --allow-ffi examples/strategy.ts");
console.log("service   bun run examples/service.ts");

const deno = ["deno", "run", "--quiet", "--no-prompt", "--allow-ffi"];
const tell = (name: string) => (line: string): void => progress.line(line.replace(" ", ` ${name.padEnd(9)} `));
const strategy = new Program("strategy", [...deno, "examples/strategy.ts", stream], tell("strategy"));
const service = new Program("service", ["bun", "run", "examples/service.ts", stream], tell("service"));
const feed = new Program(
  "feed",
  [...deno, "--allow-read", "examples/feed.ts", file, String(barsPerSecond), "2", stream],
  (line) => {
    const [date, sent, , all] = line.split(" ");
    progress.at(date!, Number(sent), Number(all));
  },
);
const programs = [strategy, service, feed];
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    for (const program of programs) program.stop();
    process.exit(130);
  });
}

const failure = await endOfAll();
progress.end();
if (failure !== null) {
  console.error(`The demo FAILED: ${failure}`);
  process.exit(1);
}

const results = [
  feed.result as FeedResult,
  strategy.result as StrategyResult,
  service.result as ServiceResult,
] as const;
for (const line of report(expected, ...results)) console.log(line);
const found = differences(expected, results[0], { strategy: results[1], service: results[2] });
for (const difference of found) console.error(`DIFFERENT ${difference}`);
if (found.length > 0) {
  console.error("The demo FAILED: what was received is not what is in the file");
  process.exit(1);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`Both readers have the count and the checksum of the file (${expected.checksum}). It took ${seconds} s.`);

/** Resolves when all have ended: to null, or to what went wrong first, and then the others were ended. */
async function endOfAll(): Promise<string | null> {
  let first: string | null = null;
  const fail = (what: string): void => {
    first ??= what;
    for (const program of programs) program.stop();
  };
  const limitMs = (expected.bars / barsPerSecond) * 1000 + GRACE_MS;
  const timer = setTimeout(() => fail(`it did not end within ${Math.round(limitMs / 1000)} s`), limitMs);
  await Promise.all(programs.map(async (program) => {
    const what = await program.ended;
    if (what !== null) fail(what);
  }));
  clearTimeout(timer);
  return first;
}
