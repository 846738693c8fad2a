// SPDX-License-Identifier: Apache-2.0
//
// The sending side of the throughput benches, lossless: blocks as fast as the subscriber takes them.
import { DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { Payload } from "../support/payload.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, until } from "../support/worker.ts";

const blocks = numberOption("count") + numberOption("warmup");

using _runtime = Runtime.open();
using out = new DataBroadcaster(benchConfig(), "throughput");
await until(() => out.getSubscriberCount() > 0);

const payload = new Payload(numberOption("bytes"));

function flood(count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const data = payload.at(i);
    while (!out.broadcast(data, payload.recordCount, MarketDataType.Tick)) out.waitForRoomSync(1000);
    sum = (sum + payload.sumOf(i)) | 0;
  }
  return sum >>> 0;
}

report({ ok: true, checksum: flood(blocks) });
await until(() => out.getSubscriberCount() === 0);
