// SPDX-License-Identifier: Apache-2.0
// The conformance suite on the ring lane over a real RouDi: lossy as a default configuration has it, where a subscriber takes the queue
// lane until a ring is there; and lossless by rings alone, because a port of the queue lane that such a subscriber has left for a
// ring holds a lossless broadcaster up for as long as RouDi takes to remove it.
import { after } from "node:test";
import { Runtime } from "../mod.ts";
import type { Stand } from "./conformance/lane.ts";
import { ringLane } from "./conformance/ring_lane.ts";
import { testConformance } from "./conformance/suite.ts";
import { RouDi } from "./support/roudi.ts";
import { spoilRing } from "./support/spoil.ts";

let roudi: RouDi | undefined;

async function open(): Promise<Stand> {
  roudi ??= await RouDi.start();
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

testConformance(ringLane("ring", "lossy", open, spoilRing));
testConformance(ringLane("ring lossless", "lossless", open, spoilRing, { lane: "ring" }));
