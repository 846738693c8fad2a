// SPDX-License-Identifier: Apache-2.0
//
// The sending side of `massive-processes`: for each line "<rate> <blocks>" of its stdin so many full blocks of ticks at that
// rate, then the block that ends the trial. It sleeps between, as the readers need the processors.
import process from "node:process";
import { createInterface } from "node:readline";
import { DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { tickPayloads, TICKS } from "../support/decoding.ts";
import { sleepUntil } from "../support/pace.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, sayReady, until } from "../support/worker.ts";

/** Processes that read; a process counts once, however many subscribers it has. */
const readers = numberOption("readers");
/** How long it sleeps at the least; what is due by then is sent at once. */
const TICK_MS = 1;

using _runtime = Runtime.open();
using out = new DataBroadcaster(benchConfig(), "crowd");
await until(() => out.getSubscriberCount() === readers);
sayReady();

const payloads = tickPayloads();
const trialEnd = new Float64Array(1);
const trialEndBytes = new Uint8Array(trialEnd.buffer);

/** Returns the seconds that it took. */
function send(rate: number, blocks: number): number {
  const begin = performance.now();
  let sent = 0;
  while (sent < blocks) {
    const due = Math.min(blocks, Math.floor((performance.now() - begin) * rate / 1000));
    for (; sent < due; sent++) out.broadcast(payloads[sent % payloads.length], TICKS, MarketDataType.Tick);
    sleepUntil(performance.now() + TICK_MS);
  }
  return (performance.now() - begin) / 1000;
}

function endTrial(trial: number): void {
  trialEnd[0] = trial;
  out.broadcast(trialEndBytes, 1, MarketDataType.Unknown);
}

let trial = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [rate, blocks] = line.split(" ").map(Number);
  const seconds = send(rate, blocks);
  endTrial(trial++);
  report({ ok: true, seconds });
}
endTrial(-1);
await until(() => out.getSubscriberCount() === 0);
