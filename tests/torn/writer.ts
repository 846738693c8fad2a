// SPDX-License-Identifier: Apache-2.0
// writer.ts <module> <JSON of a TornWriterDemand>
//
// Broadcasts blocks of pattern.ts on a lossy ring as fast as it goes. Says its epoch, waits for a reader, writes until its input
// ends, and says how many blocks it sent.
import process from "node:process";
import { openModule } from "./module.ts";
import { dataTypeOf, recordCountOf, TornPattern, type UsedBytes } from "./pattern.ts";

/** What a writer writes. */
export interface TornWriterDemand {
  readonly stream: string;
  readonly usedBytes: UsedBytes;
  readonly firstSequence: number;
  readonly capacity: number;
  readonly heartbeatIntervalMs: number;
}

/** Short blocks are copied into the ring; longer ones are written in place, as slowly as a script does. */
const COPIED_BYTES_MAX = 64;
/** Blocks between two turns of the event loop. */
const SLICE = 20_000;

const { BroadcastConfig, DataBroadcaster, Runtime } = await openModule(process.argv[2]!);
const { stream, usedBytes, firstSequence, capacity, heartbeatIntervalMs } = JSON.parse(
  process.argv[3]!,
) as TornWriterDemand;
const config = new BroadcastConfig({ lane: "ring", queueLane: "off", bufferDepth: capacity, heartbeatIntervalMs });
using runtime = Runtime.open();
using out = new DataBroadcaster(config, stream, { runtime, firstSequence });
const pattern = new TornPattern(usedBytes);
const data = new Uint8Array(usedBytes);
let isOver = false;

function write(count: number): void {
  for (let sent = 0; sent < count; sent++) {
    const sequence = out.nextSequence;
    if (usedBytes <= COPIED_BYTES_MAX) {
      pattern.fill(data, sequence);
      out.broadcast(data, recordCountOf(sequence), dataTypeOf(sequence));
    } else {
      const loan = out.loan()!;
      pattern.fill(loan.data, sequence);
      loan.publish(usedBytes, recordCountOf(sequence), dataTypeOf(sequence));
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

process.stdin.on("end", () => isOver = true).resume();
console.log(JSON.stringify({ epoch: out.epoch.toString(16).padStart(16, "0") }));
while (!isOver && !out.hasSubscribers()) await turn();
while (!isOver) {
  write(SLICE);
  await turn();
}
console.log(JSON.stringify({ sent: out.nextSequence - firstSequence }));
