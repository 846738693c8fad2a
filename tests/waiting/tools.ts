// SPDX-License-Identifier: Apache-2.0
// What the tests of waiting share.
import { assert } from "@std/assert";
import {
  BroadcastConfig,
  type DataBroadcaster,
  type LaneChoice,
  MarketDataType,
  type WaitStrategy,
} from "../../mod.ts";

export const LANES = ["auto", "queue"] as const satisfies LaneChoice[];
export const STRATEGIES: readonly WaitStrategy[] = ["spin", "yield", "backoff", "park"];

let streams = 0;

/** A stream name that no other test of this file uses. */
export function newStream(): string {
  return `waiting_${++streams}`;
}

export function config(lane: LaneChoice, wait: WaitStrategy = "backoff"): BroadcastConfig {
  return new BroadcastConfig({ lane, wait });
}

const DATA = new Uint8Array(8);

/** Broadcasts one block, which must find room. */
export function send(out: DataBroadcaster): void {
  assert(out.broadcast(DATA, 1, MarketDataType.Unknown));
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Lets a loop that was just begun come to rest. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn();
}
