// SPDX-License-Identifier: Apache-2.0
//
// The sending side of `ring-paced`: one small block at each moment of a schedule, which travels in it. What could not be sent in
// time is sent as soon as it can be.
import { DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { sharedClock } from "../support/clock.ts";
import { Schedule } from "../support/paced.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, until } from "../support/worker.ts";

const blocks = numberOption("count") + numberOption("warmup");

using _runtime = Runtime.open();
const now = sharedClock(numberOption("base-ms"));
using out = new DataBroadcaster(benchConfig(), "paced");
await until(() => out.getSubscriberCount() > 0);

const message = new Float64Array(2);
const bytes = new Uint8Array(message.buffer);

function send(count: number): void {
  const schedule = new Schedule(now(), numberOption("rate"));
  for (let i = 0; i < count; i++) {
    message[0] = i;
    message[1] = schedule.dueNs(i);
    while (now() < message[1]);
    while (!out.broadcast(bytes, 1, MarketDataType.Unknown)) out.waitForRoomSync(1000);
  }
}

send(blocks);
report({ ok: true });
await until(() => out.getSubscriberCount() === 0);
