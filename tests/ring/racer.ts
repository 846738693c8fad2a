// SPDX-License-Identifier: Apache-2.0
// A Worker that broadcasts as fast as it can, and tells when it is done.
import { parentPort, workerData } from "node:worker_threads";
import { BroadcastConfig, type BroadcastConfigFields, DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import type { MemoryHandle } from "../../src/transport/memory_handle.ts";
import { fillPattern } from "../support/pattern.ts";

/** What it broadcasts: full blocks of the interop tests' pattern. */
export interface RacerTask {
  readonly handle: MemoryHandle;
  readonly stream: string;
  readonly fields: Partial<BroadcastConfigFields>;
  readonly firstSequence: number;
  readonly count: number;
}

const { handle, stream, fields, firstSequence, count } = workerData as RacerTask;
const port = parentPort!;
const runtime = Runtime.open({ stack: "memory", handle });
const out = new DataBroadcaster(new BroadcastConfig(fields), stream, { runtime, firstSequence });
const data = new Uint8Array(8160);
port.postMessage("ready");
port.on("message", () => {
  for (let sent = 0; sent < count; sent++) {
    const length = fillPattern(sent % 3 === 0 ? "full" : "ticks", firstSequence + sent, data);
    while (!out.broadcast(data.subarray(0, length), 1, MarketDataType.Unknown)) out.waitForRoomSync(1000);
  }
  out.close();
  port.postMessage("done");
});
