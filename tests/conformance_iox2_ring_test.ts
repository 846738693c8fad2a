// SPDX-License-Identifier: Apache-2.0
// The conformance suite on the ring lane over iceoryx2, which has no daemon: lossy as a default configuration has it, where a
// subscriber takes the queue lane until a ring is there; and lossless, which rings alone are on this stack.
import { Runtime } from "../mod.ts";
import type { Stand } from "./conformance/lane.ts";
import { ringLane } from "./conformance/ring_lane.ts";
import { testConformance } from "./conformance/suite.ts";
import { spoilRing } from "./support/spoil.ts";

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

testConformance(ringLane("iceoryx2 ring", "lossy", open, spoilRing));
testConformance(ringLane("iceoryx2 ring lossless", "lossless", open, spoilRing, { lane: "ring" }));
