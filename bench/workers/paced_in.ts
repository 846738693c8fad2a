// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of `ring-paced`: how late each block is when user code has it, counted from when it should have been sent.
import { type Block, DataSubscriber, Runtime } from "../../mod.ts";
import { sharedClock } from "../support/clock.ts";
import { Histogram } from "../support/histogram.ts";
import { Paced } from "../support/paced.ts";
import { benchConfig, lossesOf } from "../support/stream.ts";
import { numberOption, report, sayReady, textOption } from "../support/worker.ts";

const warmup = numberOption("warmup");
const blocks = numberOption("count") + warmup;
const WAIT_MS = 1000;

using _runtime = Runtime.open();
const now = sharedClock(numberOption("base-ms"));
using feed = new DataSubscriber(benchConfig(), "paced");
sayReady();

const lateness = new Histogram();
/** The message that should come next. One that does not come is a fault, not a wait without end. */
let received = 0;
let faults = 0;

function handle(block: Block): void {
  const at = now();
  const message = block.records(Paced).at(0);
  const number = message.number;
  if (number !== received) faults++;
  if (number >= warmup) lateness.add(at - message.intendedNs);
  received = number + 1;
}

const ways: Readonly<Record<string, () => void | Promise<void>>> = {
  spin: () => {
    while (received < blocks) feed.poll(handle);
  },
  park: () => {
    while (received < blocks) {
      feed.waitSync(WAIT_MS);
      feed.poll(handle);
    }
  },
  await: async () => {
    for await (const block of feed) {
      handle(block);
      if (received >= blocks) break;
    }
  },
};
await ways[textOption("way")]();
report({ ok: faults === 0, count: lateness.count, ...lateness.percentiles(), ...lossesOf(feed) });
