// SPDX-License-Identifier: Apache-2.0
//
// The sending side of `ring-decode` and `massive-*`, lossless: full blocks of ticks as fast as all subscribers take them.
import { DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { tickPayloads, TICKS } from "../support/decoding.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, until } from "../support/worker.ts";

const blocks = numberOption("count") + numberOption("warmup");

using _runtime = Runtime.open();
using out = new DataBroadcaster(benchConfig(), "ticks");
await until(() => out.getSubscriberCount() > 0);

const payloads = tickPayloads();

function flood(count: number): void {
  for (let i = 0; i < count; i++) {
    const data = payloads[i % payloads.length];
    while (!out.broadcast(data, TICKS, MarketDataType.Tick)) out.waitForRoomSync(1000);
  }
}

flood(blocks);
report({ ok: true });
await until(() => out.getSubscriberCount() === 0);
