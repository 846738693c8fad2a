// SPDX-License-Identifier: Apache-2.0
// Broadcasters and subscribers that do not agree about delivery, over a real RouDi.
import { assertEquals, assertThrows } from "@std/assert";
import { after, before, test } from "node:test";
import {
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  DeliveryMismatchError,
  MarketDataType,
  Runtime,
} from "../mod.ts";
import { RouDi } from "./support/roudi.ts";

const LOSSY = new BroadcastConfig({ delivery: "lossy", heartbeatIntervalMs: 1 });
const LOSSLESS = LOSSY.with({ delivery: "lossless" });

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

test("DataSubscriber refuses to be lossless on a stream with a lossy broadcaster", () => {
  using runtime = Runtime.open();
  using lossy = new DataBroadcaster(LOSSY, "mixed", { runtime });
  using _lossless = new DataBroadcaster(LOSSLESS, "mixed", { runtime });
  const error = assertThrows(() => new DataSubscriber(LOSSLESS, "mixed", { runtime }), DeliveryMismatchError);
  assertEquals((error as DeliveryMismatchError).value, "mixed");
  assertEquals(lossy.getSubscriberCount(), 0, "the refused one left no port behind");
});

test("DataSubscriber that is lossless stays waiting when only a lossy broadcaster comes later", () => {
  using runtime = Runtime.open();
  using feed = new DataSubscriber(LOSSLESS, "later", { runtime });
  using _lossy = new DataBroadcaster(LOSSY, "later", { runtime });
  assertEquals(feed.state, "waiting");
});

test("DataSubscriber that is lossless receives from a lossless broadcaster that comes later", () => {
  using runtime = Runtime.open();
  using feed = new DataSubscriber(LOSSLESS, "agreed", { runtime });
  using out = new DataBroadcaster(LOSSLESS, "agreed", { runtime });
  assertEquals(out.broadcast(Uint8Array.of(7), 1, MarketDataType.Unknown), true);
  assertEquals(feed.receive(), Uint8Array.of(7));
  assertEquals(feed.state, "live");
});

test("DataSubscriber that is lossy reads a lossless stream", () => {
  using runtime = Runtime.open();
  using out = new DataBroadcaster(LOSSLESS, "observed", { runtime });
  using feed = new DataSubscriber(LOSSY, "observed", { runtime });
  assertEquals(out.broadcast(Uint8Array.of(7), 1, MarketDataType.Unknown), true);
  assertEquals(feed.receive(), Uint8Array.of(7));
});
