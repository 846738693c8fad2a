// SPDX-License-Identifier: Apache-2.0
// The conformance suite on the memory stack: rings in this process, no daemon.
import { Runtime } from "../mod.ts";
import type { Stand } from "./conformance/lane.ts";
import { ringLane } from "./conformance/ring_lane.ts";
import { testConformance } from "./conformance/suite.ts";
import { spoilMemory } from "./support/spoil.ts";

function open(): Promise<Stand> {
  const runtime = Runtime.open({ stack: "memory" });
  return Promise.resolve({
    runtime,
    [Symbol.asyncDispose](): Promise<void> {
      runtime.close();
      return Promise.resolve();
    },
  });
}

testConformance(ringLane("memory", "lossy", open, spoilMemory));
testConformance(ringLane("memory lossless", "lossless", open, spoilMemory));
testConformance(ringLane("memory in-place", "lossy", open, spoilMemory, { read: "in-place" }));
