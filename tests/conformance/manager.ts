// SPDX-License-Identifier: Apache-2.0
// BroadcastManager: one broadcaster a stream, a new subscriber for each caller, all closed together.
import { test } from "node:test";
import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ArgumentError, BroadcastManager, ClosedError, ConfigError } from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { drain, newStream, range, send } from "./tools.ts";

export function testManager(lane: Lane): void {
  test(`${lane.name}: two subscribers of a manager do not take each other's blocks`, async () => {
    await using stand = await lane.open();
    using manager = new BroadcastManager(stand.runtime);
    const stream = newStream();
    const out = manager.createBroadcaster(lane.config(), stream);
    const one = manager.createSubscriber(lane.config(), stream);
    const two = manager.createSubscriber(lane.config(), stream);
    assertNotStrictEquals(one, two);
    assertStrictEquals(manager.getBroadcaster(stream), out);
    assertEquals(manager.getSubscribers(stream).map((feed) => feed === one || feed === two), [true, true]);
    send(out, 20);
    assertEquals([drain(one), drain(two)], [range(0, 20), range(0, 20)]);
    assertThrows(() => manager.createBroadcaster(lane.config(), stream), ArgumentError);
    assertEquals(manager.getBroadcaster("none"), undefined);
    assertEquals(manager.getSubscribers("none"), []);
  });

  test(`${lane.name}: a manager takes the default runtime, and its ends take options`, async () => {
    await using _stand = await lane.open();
    using manager = new BroadcastManager();
    const stream = newStream();
    const out = manager.createBroadcaster(lane.config({ history: 4 }), stream, { firstSequence: 90 });
    send(out, 10);
    const feed = manager.createSubscriber(lane.config(), stream, { history: 3 });
    assertEquals(drain(feed), [97, 98, 99]);
    assertThrows(() => manager.createSubscriber(lane.config(), stream, { runtime: 5 } as never), ConfigError);
    assertThrows(() => new BroadcastManager({} as never), ArgumentError);
  });

  test(`${lane.name}: getAllStats has every stream, and close takes one away`, async () => {
    await using stand = await lane.open();
    using manager = new BroadcastManager(stand.runtime);
    const streams = [newStream(), newStream(), newStream()] as const;
    const out = manager.createBroadcaster(lane.config(), streams[0]);
    const feed = manager.createSubscriber(lane.config(), streams[0]);
    manager.createSubscriber(lane.config(), streams[0]);
    manager.createBroadcaster(lane.config(), streams[1]);
    const lonely = manager.createSubscriber(lane.config(), streams[2]);
    send(out, 5);
    drain(feed);
    const all = manager.getAllStats();
    assertEquals([...all.keys()].sort(), [...streams].sort());
    assertEquals(all.get(streams[0])!.broadcaster!.sentBlocks, 5);
    assertEquals(all.get(streams[0])!.subscribers.map(({ receivedBlocks }) => receivedBlocks), [5, 0]);
    assertEquals(all.get(streams[1])!.subscribers, []);
    assertEquals("broadcaster" in all.get(streams[2])!, false);

    manager.close(streams[0]);
    assertEquals([feed.closed, lonely.closed], [true, false]);
    assertThrows(() => send(out, 1), ClosedError);
    assertEquals([...manager.getAllStats().keys()].sort(), [streams[1], streams[2]].sort());
    // The stream can be had again.
    const again = manager.createBroadcaster(lane.config(), streams[0]);
    send(again, 1);
    manager.close("none");
  });

  test(`${lane.name}: a closed manager has closed everything and makes nothing`, async () => {
    await using stand = await lane.open();
    const manager = new BroadcastManager(stand.runtime);
    const stream = newStream();
    const out = manager.createBroadcaster(lane.config(), stream);
    const feeds = range(0, 3).map(() => manager.createSubscriber(lane.config(), stream));
    const elsewhere = manager.createSubscriber(lane.config(), newStream());
    manager.close();
    assertEquals([...feeds, elsewhere].map((feed) => feed.closed), [true, true, true, true]);
    assertThrows(() => send(out, 1), ClosedError);
    assertThrows(() => manager.createBroadcaster(lane.config(), stream), ClosedError);
    assertThrows(() => manager.createSubscriber(lane.config(), stream), ClosedError);
    assertEquals(manager.getAllStats().size, 0);
    manager.close();
    manager[Symbol.dispose]();
  });
}
