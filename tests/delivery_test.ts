// SPDX-License-Identifier: Apache-2.0
// Broadcasters and subscribers that do not agree about delivery, over a real RouDi.
import { assertEquals, assertGreater, assertThrows } from "@std/assert";
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

const { Unknown } = MarketDataType;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

for (const lane of ["auto", "ring", "queue"] as const) {
  const lossyConfig = new BroadcastConfig({ lane, delivery: "lossy", heartbeatIntervalMs: 1, bufferDepth: 16 });
  const losslessConfig = lossyConfig.with({ delivery: "lossless" });

  test(`${lane}: DataSubscriber refuses to be lossless on a stream with a lossy broadcaster`, () => {
    using runtime = Runtime.open();
    using lossy = new DataBroadcaster(lossyConfig, "mixed", { runtime });
    using _lossless = new DataBroadcaster(losslessConfig, "mixed", { runtime });
    const error = assertThrows(() => new DataSubscriber(losslessConfig, "mixed", { runtime }), DeliveryMismatchError);
    assertEquals((error as DeliveryMismatchError).value, "mixed");
    assertEquals(lossy.getSubscriberCount(), 0, "the refused one left no port and no place in the ring behind");
  });

  test(`${lane}: DataSubscriber that is lossless receives from a lossless broadcaster that comes later`, () => {
    using runtime = Runtime.open();
    using feed = new DataSubscriber(losslessConfig, "agreed", { runtime });
    using out = new DataBroadcaster(losslessConfig, "agreed", { runtime });
    assertEquals(out.broadcast(Uint8Array.of(7), 1, Unknown), true);
    assertEquals(feed.receive(), Uint8Array.of(7));
    assertEquals(feed.state, "live");
  });

  test(`${lane}: DataSubscriber that is lossy reads a lossless stream`, () => {
    using runtime = Runtime.open();
    using out = new DataBroadcaster(losslessConfig, "observed", { runtime });
    using feed = new DataSubscriber(lossyConfig, "observed", { runtime });
    assertEquals(out.broadcast(Uint8Array.of(7), 1, Unknown), true);
    assertEquals(feed.receive(), Uint8Array.of(7));
  });
}

test("queue: DataSubscriber that is lossless stays waiting when only a lossy broadcaster comes later", () => {
  using runtime = Runtime.open();
  const config = new BroadcastConfig({ lane: "queue", delivery: "lossless", heartbeatIntervalMs: 1 });
  using feed = new DataSubscriber(config, "later", { runtime });
  using lossy = new DataBroadcaster(config.with({ delivery: "lossy" }), "later", { runtime });
  assertEquals(lossy.broadcast(Uint8Array.of(7), 1, Unknown), true);
  assertEquals([feed.state, feed.receive()], ["waiting", null]);
});

for (const lane of ["auto", "ring"] as const) {
  test(`${lane}: DataSubscriber that is lossless reads a lossy ring that comes later, and counts what it loses`, () => {
    using runtime = Runtime.open();
    const config = new BroadcastConfig({ lane, delivery: "lossless", bufferDepth: 16 });
    using feed = new DataSubscriber(config, "later", { runtime });
    using lossy = new DataBroadcaster(config.with({ delivery: "lossy" }), "later", { runtime });
    for (let value = 0; value < 50; value++) assertEquals(lossy.broadcast(Uint8Array.of(value), 1, Unknown), true);
    assertEquals(feed.state, "live");
    const got: number[] = [];
    feed.poll((block) => got.push(block.data[0]!));
    const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
    assertEquals(got, Array.from({ length: receivedBlocks }, (_, index) => 50 - receivedBlocks + index));
    assertEquals(receivedBlocks + missedBlocks, 50);
    assertGreater(missedBlocks, 0);
  });

  test(`${lane}: a lossless ring waits for each subscriber but one that observes`, () => {
    using runtime = Runtime.open();
    const config = new BroadcastConfig({ lane, delivery: "lossless", bufferDepth: 16, queueLane: "off" });
    using out = new DataBroadcaster(config, "gates", { runtime });
    using observer = new DataSubscriber(config, "gates", { runtime, observe: true });
    for (let value = 0; value < 50; value++) assertEquals(out.broadcast(Uint8Array.of(value), 1, Unknown), true);
    // What a subscriber asked for when it was made says nothing: it is the broadcaster that decides.
    using lossy = new DataSubscriber(config.with({ delivery: "lossy" }), "gates", { runtime });
    let sent = 0;
    while (out.broadcast(Uint8Array.of(sent), 1, Unknown)) sent++;
    assertEquals([sent, out.nextSequence], [16, 66]);
    assertEquals(lossy.poll(() => {}), 16);
    assertEquals(lossy.getReceiveStats().missedBlocks, 0);
    assertEquals(out.broadcast(Uint8Array.of(0), 1, Unknown), true);
    const observed = observer.poll(() => {});
    const { missedBlocks } = observer.getReceiveStats();
    assertEquals(observed + missedBlocks, 67);
    assertGreater(missedBlocks, 0);
  });
}
