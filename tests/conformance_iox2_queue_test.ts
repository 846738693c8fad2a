// SPDX-License-Identifier: Apache-2.0
// The conformance suite on the queue lane over iceoryx2, which has no daemon and no lossless queue.
import { BroadcastConfig, type BroadcastConfigFields, Runtime } from "../mod.ts";
import type { Stand } from "./conformance/lane.ts";
import { testConformance } from "./conformance/suite.ts";
import { spoilWindow } from "./support/spoil.ts";

function open(): Promise<Stand> {
  const runtime = Runtime.open({ stack: "iceoryx2" });
  return Promise.resolve({
    runtime,
    [Symbol.asyncDispose](): Promise<void> {
      runtime.close();
      return Promise.resolve();
    },
  });
}

testConformance({
  name: "iceoryx2 queue",
  delivery: "lossy",
  queueCapacityMin: 1,
  queueCapacityMax: 256,
  hasOwnCapacity: true,
  isVolatile: false,
  keepsPast: false,
  historyMax: 16,
  // A subscriber has a queue for each publisher.
  isOneQueue: false,
  loansMax: 8,
  // Each publisher has memory of its own, for all that its subscribers may hold.
  hasPool: false,
  keptAtLeast: (capacity) => capacity,
  takenAtMost: (capacity) => capacity,
  config: (fields: Partial<BroadcastConfigFields> = {}) => new BroadcastConfig({ ...fields, lane: "queue" }),
  open,
  spoil: spoilWindow,
});
