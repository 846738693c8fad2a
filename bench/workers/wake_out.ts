// SPDX-License-Identifier: Apache-2.0
//
// The sending side of `wake`: one block a millisecond or so, each with the time just before it was published.
import { DataBroadcaster, MarketDataType } from "../../mod.ts";
import { sharedClock } from "../support/clock.ts";
import { benchConfig, benchRuntime } from "../support/stream.ts";
import { numberOption, pause, report, until } from "../support/worker.ts";

const blocks = numberOption("count") + numberOption("warmup");

using _runtime = benchRuntime();
const now = sharedClock(numberOption("base-ms"));
using out = new DataBroadcaster(benchConfig(), "wake");
await until(() => out.getSubscriberCount() > 0);

const sent = new Float64Array(2);
const bytes = new Uint8Array(sent.buffer);
for (let i = 0; i < blocks; i++) {
  await pause(1);
  sent[0] = i;
  sent[1] = now();
  if (!out.broadcast(bytes, 1, MarketDataType.Unknown)) throw new Error(`No room for block ${i}`);
}
report({ ok: true });
await until(() => out.getSubscriberCount() === 0);
