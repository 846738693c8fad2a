// SPDX-License-Identifier: Apache-2.0
// The conformance suite on the queue lane over a real RouDi, lossy and lossless.
import { after } from "node:test";
import { BroadcastConfig, type BroadcastConfigFields, Runtime } from "../mod.ts";
import type { Lane, Stand, StandOptions } from "./conformance/lane.ts";
import { testConformance } from "./conformance/suite.ts";
import { RouDi } from "./support/roudi.ts";
import { spoilQueue } from "./support/spoil.ts";

const BLOCKS = 1024;

let roudi: RouDi | undefined;
let blocks = 0;

/** Tests share a RouDi as long as they ask for the same pool. */
async function open({ blocks: wanted = BLOCKS }: StandOptions = {}): Promise<Stand> {
  if (blocks !== wanted) {
    await roudi?.stop();
    roudi = await RouDi.start({ blocks: wanted });
    blocks = wanted;
  }
  const runtime = Runtime.open();
  return {
    runtime,
    [Symbol.asyncDispose](): Promise<void> {
      runtime.close();
      return Promise.resolve();
    },
  };
}

after(() => roudi?.stop());

function queueLane(name: string, delivery: "lossy" | "lossless"): Lane {
  return {
    name,
    delivery,
    queueCapacityMin: 1,
    queueCapacityMax: 256,
    hasOwnCapacity: true,
    isVolatile: false,
    keepsPast: false,
    historyMax: 16,
    isOneQueue: true,
    loansMax: 8,
    hasPool: true,
    keptAtLeast: (capacity) => capacity,
    takenAtMost: (capacity) => capacity,
    config: (fields: Partial<BroadcastConfigFields> = {}) =>
      new BroadcastConfig({ delivery, ...fields, lane: "queue" }),
    open,
    spoil: spoilQueue,
  };
}

testConformance(queueLane("queue", "lossy"));
testConformance(queueLane("queue lossless", "lossless"));
