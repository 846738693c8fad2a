// SPDX-License-Identifier: Apache-2.0
// A Worker with a subscriber of the memory stack.
import { parentPort, workerData } from "node:worker_threads";
import { BroadcastConfig, type BroadcastConfigFields, DataSubscriber, Runtime } from "../../mod.ts";
import { TABLE_OFFSET_ROOM_WORD } from "../../src/ring/layout.ts";
import { MemoryTransport } from "../../src/transport/memory_transport.ts";
import type { MemoryHandle } from "../../src/transport/memory_handle.ts";
import { checkBlock } from "../conformance/tools.ts";
import { RingMemory } from "./raw_ring.ts";

/** What it subscribes to. */
export interface SubscriberTask {
  readonly handle: MemoryHandle;
  readonly stream: string;
  readonly fields: Partial<BroadcastConfigFields>;
}

/** What it is asked. */
export type SubscriberOrder =
  /** Reads all that is there; tells the sequences. */
  | { readonly kind: "read" }
  /** The same, when the broadcaster of this epoch sleeps until there is room. */
  | { readonly kind: "readWhenParked"; readonly epoch: bigint }
  | { readonly kind: "close" };

const { handle, stream, fields } = workerData as SubscriberTask;
const runtime = Runtime.open({ stack: "memory", handle });
const port = parentPort!;

/** Tells the name of the error where it is refused. */
function subscribe(): DataSubscriber | undefined {
  try {
    const feed = new DataSubscriber(new BroadcastConfig(fields), stream, { runtime });
    port.postMessage("ready");
    return feed;
  } catch (error) {
    port.postMessage((error as Error).name);
    return undefined;
  }
}
const feed = subscribe();

function read(): number[] {
  const sequences: number[] = [];
  while (feed!.poll((block) => void sequences.push(checkBlock(block))) > 0);
  return sequences;
}

port.on("message", (order: SubscriberOrder) => {
  switch (order.kind) {
    case "readWhenParked": {
      const transport = MemoryTransport.attach(handle);
      const { table } = RingMemory.of(transport, order.epoch);
      while ((Atomics.load(table, TABLE_OFFSET_ROOM_WORD / 4) & 1) === 0);
      transport.close();
      port.postMessage(read());
      break;
    }
    case "read":
      port.postMessage(read());
      break;
    case "close":
      runtime.close();
      port.postMessage("closed");
  }
});
