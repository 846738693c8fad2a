// SPDX-License-Identifier: Apache-2.0
//
// The sending side of `heap`: blocks as fast as it can until nobody reads any more.
import { DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { Payload } from "../support/payload.ts";
import { benchConfig } from "../support/stream.ts";
import { numberOption, report, until } from "../support/worker.ts";

/** Blocks between two looks at who reads, which takes a lock. */
const BLOCKS_PER_LOOK = 4096;
const ROOM_TIMEOUT_MS = 100;

using _runtime = Runtime.open();
using out = new DataBroadcaster(benchConfig(), "heap");
await until(() => out.getSubscriberCount() > 0);

const payload = new Payload(numberOption("bytes"));

/** Returns whether the block was sent; a reader that is gone makes room for nobody. */
function send(i: number): boolean {
  const data = payload.at(i);
  while (!out.broadcast(data, payload.recordCount, MarketDataType.Tick)) {
    if (!out.waitForRoomSync(ROOM_TIMEOUT_MS) && out.getSubscriberCount() === 0) return false;
  }
  return true;
}

let sent = 0;
while (sent % BLOCKS_PER_LOOK !== 0 || out.getSubscriberCount() > 0) {
  if (!send(sent)) break;
  sent++;
}
report({ ok: true });
