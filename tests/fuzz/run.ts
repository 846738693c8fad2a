// SPDX-License-Identifier: Apache-2.0
// ./x fuzz api: random calls on the public API, by seeds. Prints a table; ends with 1 when anything was wrong.
import process from "node:process";
import { parseArgs } from "node:util";
import { NATIVE_STACKS } from "../support/ground.ts";
import type { RuntimeName } from "../support/runtime.ts";
import { campaign, endProcesses, type Summary } from "./campaign.ts";
import { decodeOnly } from "./episode.ts";

const USAGE = `Usage: ./x fuzz api [--calls N] [--seed S] [--runtime deno|bun|both]
                    [--stack iceoryx|iceoryx2] [--only CALLS]

  --calls N      at least so many calls in each runtime; default 1000000
  --seed S       the first episode, an integer from 0; default: by the clock
  --runtime R    deno, bun or both (default)
  --stack S      iceoryx (default; a third of the episodes take place in memory) or iceoryx2
  --only CALLS   of the first episode alone, these calls of each Worker, as a failure prints them: 1,5-9;0-3`;

const RUNTIMES = ["deno", "bun"] as const;

function usage(problem: string): never {
  console.error(`${problem}\n${USAGE}`);
  process.exit(2);
}

function numberOf(name: string, text: string, lowest: number): number {
  const value = Number(text);
  if (text === "" || !Number.isSafeInteger(value) || value < lowest) {
    usage(`--${name} must be an integer from ${lowest}`);
  }
  return value;
}

function options() {
  try {
    const text = (value: string) => ({ type: "string" as const, default: value });
    return parseArgs({
      options: {
        calls: text("1000000"),
        seed: text(`${Date.now() % 1_000_000_000}`),
        runtime: text("both"),
        stack: text("iceoryx"),
        only: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
}

const given = options();
if (given.help) {
  console.log(USAGE);
  process.exit(0);
}
const calls = numberOf("calls", given.calls!, 1);
const seed = numberOf("seed", given.seed!, 0);
const runtimes = RUNTIMES.filter((name) => given.runtime === "both" || given.runtime === name);
if (runtimes.length === 0) usage("--runtime must be deno, bun or both");
const stack = NATIVE_STACKS.find((name) => name === given.stack) ?? usage("--stack must be iceoryx or iceoryx2");
let only: number[][] | undefined;
try {
  only = given.only === undefined ? undefined : decodeOnly(given.only);
} catch (error) {
  usage((error as Error).message);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    endProcesses();
    process.exit(130);
  });
}

function progress({ runtime, calls: made, failures, seconds }: Summary): void {
  console.log(`${runtime}: ${made} calls, ${failures.length} failures, ${seconds.toFixed(0)} s`);
}

console.log(`seed ${seed}`);
const summaries: Summary[] = [];
for (const runtime of runtimes as RuntimeName[]) {
  summaries.push(await campaign(stack, runtime, seed, calls, only, progress));
}

console.log(
  "\n| runtime | episodes | calls | errors | aborts | hangs | violations | s |\n|---|---|---|---|---|---|---|---|",
);
for (const { runtime, episodes, calls: made, errors, failures, seconds } of summaries) {
  const count = (kind: string): number => failures.filter((failure) => failure.kind === kind).length;
  const total = Object.values(errors).reduce((sum, one) => sum + one, 0);
  const kinds = [count("abort"), count("hang"), count("violation")].join(" | ");
  console.log(`| ${runtime} | ${episodes} | ${made} | ${total} | ${kinds} | ${seconds.toFixed(0)} |`);
}
const codes = [...new Set(summaries.flatMap(({ errors }) => Object.keys(errors)))].sort();
console.log(`\n| error | ${runtimes.join(" | ")} |\n|---|${runtimes.map(() => "---|").join("")}`);
for (const code of codes) console.log(`| ${code} | ${summaries.map(({ errors }) => errors[code] ?? 0).join(" | ")} |`);
process.exit(summaries.every(({ failures }) => failures.length === 0) ? 0 : 1);
