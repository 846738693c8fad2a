// SPDX-License-Identifier: Apache-2.0
//
// A relay for long: `./x soak relay`. C++ over iceoryx publishes at a steady rate, Rust over iceoryx2 checks every byte of every block.
import process from "node:process";
import { parseArgs } from "node:util";
import { describeMachine } from "../../bench/support/machine.ts";
import { enterOwnNamespace } from "../support/own_namespace.ts";
import { type Published, type Received, resultOf, startPublisher } from "../support/peers.ts";
import { type Process, startProgram, startScript } from "../support/process.ts";
import { RouDi } from "../support/roudi.ts";
import type { RuntimeName } from "../support/runtime.ts";
import type { RelaySoakReport } from "./relay_worker.ts";

const USAGE = `Usage: ./x soak relay [--minutes N] [--rate BLOCKS] [--pattern full|ticks] [--runtime deno|bun]

  --minutes   how long; default 30
  --rate      blocks per second; default 100000
  --pattern   full blocks, or 1 to 113 ticks in each; default full
  --runtime   that of the relay; default deno`;

const STREAM = "relay_soak";
const MS_PER_MINUTE = 60_000;
const PROGRESS_MS = 30_000;
/** Blocks that the reader may be behind: 160 ms at 100,000 a second. */
const READER_BUFFER = 16_384;
/** Only what hangs takes as long. */
const PATIENCE = { timeoutMs: 120_000 };

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    rate: { type: "string", default: "100000" },
    pattern: { type: "string", default: "full" },
    runtime: { type: "string", default: "deno" },
    help: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const isRight = minutes > 0 && minutes < Infinity && Number.isInteger(rate) && rate > 0 &&
  ["full", "ticks"].includes(values.pattern) && ["deno", "bun"].includes(values.runtime);
if (!isRight) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

enterOwnNamespace(import.meta.url);

async function ask(relay: Process): Promise<RelaySoakReport> {
  relay.writeLine("");
  return JSON.parse(await relay.nextLine(PATIENCE));
}

function progressLine(seconds: number, report: RelaySoakReport): string {
  const { relayedBlocks, missedBlocks, refusedBlocks, failures, cpuMs, residentBytes } = report;
  const counts = `${relayedBlocks} relayed, ${missedBlocks} missed, ${refusedBlocks} refused, ${failures} failures`;
  const cost = `${(cpuMs / 1000).toFixed(1)} s of CPU, ${(residentBytes / 2 ** 20).toFixed(1)} MiB`;
  return `${seconds.toFixed(0).padStart(5)} s  ${counts}; ${cost}\n`;
}

process.stdout.write(`${describeMachine()}\n\n`);
const count = Math.round(minutes * 60 * rate);
await using _roudi = await RouDi.start();
const common = ["--pattern", values.pattern, "--count", `${count}`];
const readerArgs = ["--stream", STREAM, "--expect", "native", "--buffer", `${READER_BUFFER}`, ...common];
await using reader = startProgram("build/bin/peer_iox2_subscriber", readerArgs);
await reader.waitForLine("ready", PATIENCE);
await using relay = startScript("tests/soak/relay_worker.ts", [STREAM], { runtime: values.runtime as RuntimeName });
await relay.waitForLine("ready", PATIENCE);
await using writer = startPublisher(STREAM, "--lossless", "--rate", `${rate}`, ...common);

const begin = performance.now();
for (let at = begin; writer.exit === null;) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  if (performance.now() - at < PROGRESS_MS) continue;
  at += PROGRESS_MS;
  process.stdout.write(progressLine((at - begin) / 1000, await ask(relay)));
}
const seconds = (performance.now() - begin) / 1000;
const published = await resultOf<Published>(writer);
const received = await resultOf<Received>(reader, minutes * MS_PER_MINUTE + PATIENCE.timeoutMs);
const report = await ask(relay);
relay.closeInput();
const exit = await relay.exited(PATIENCE);

process.stdout.write(`${progressLine(seconds, report)}\n`);
process.stdout.write(`published: ${JSON.stringify(published)}\nreceived:  ${JSON.stringify(received)}\n`);
process.stdout.write(
  `${(published.published / seconds).toFixed(0)} blocks/s in the mean\n${reader.stderr}${relay.stderr}`,
);
const { checksum } = published;
const wanted = { received: count, missed: 0, bad: 0, backwards: 0, first: 0, last: count - 1, publishers: 1, checksum };
const isWhole = (Object.keys(wanted) as (keyof Received)[]).every((key) => received[key] === wanted[key]) &&
  report.relayedBlocks === count && report.missedBlocks + report.refusedBlocks === 0 && exit.code === 0;
process.stdout.write(isWhole ? "nothing lost, every byte as it was published\n" : "NOT whole\n");
process.exitCode = isWhole ? 0 : 1;
