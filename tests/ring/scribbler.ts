// SPDX-License-Identifier: Apache-2.0
// A Worker that writes a ring as no writer should, at the same time as others read it, until it is told to stop.
import { parentPort, workerData } from "node:worker_threads";
import { Random } from "../support/random.ts";
import { RingMemory } from "./raw_ring.ts";
import { OFFSET_DATA_TYPE } from "../../src/block/layout.ts";
import type { RingArea } from "../../src/transport/transport.ts";

/** What it is started with. */
export interface ScribblerTask {
  readonly data: RingArea;
  readonly table: RingArea;
  readonly seed: number;
  /** One word: not 0 when it is to stop. */
  readonly stop: Int32Array;
}

const { data, table, seed, stop } = workerData as ScribblerTask;
const memory = new RingMemory({ data, table });
const random = new Random(seed);
let next = memory.head;
parentPort!.postMessage("ready");
while (Atomics.load(stop, 0) === 0) {
  // Blocks as of a writer that keeps to nothing: the stamp first, and what describes the data changes again and again.
  memory.setBlock(next++);
  memory.setHead(next);
  const at = memory.slot(next + random.integer(0, memory.capacity - 1));
  const description = at + OFFSET_DATA_TYPE / 4;
  for (let count = random.integer(1, 30); count > 0; count--) memory.data[description] = random.bits();
  if (random.integer(0, 9) === 0) memory.data[at + random.integer(0, 1)] = random.bits();
}
parentPort!.postMessage("stopped");
