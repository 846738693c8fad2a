// SPDX-License-Identifier: Apache-2.0
// Order, content, header and epoch of what one or more broadcasters send.
import { test } from "node:test";
import { assert, assertEquals, assertNotEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import {
  ArgumentError,
  DataBroadcaster,
  DataSubscriber,
  DataTooLongError,
  MarketDataType,
  SequenceExhaustedError,
} from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./tools.ts";

export function testOrder(lane: Lane): void {
  test(`${lane.name}: blocks arrive in the order of broadcasting, each once`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ queueCapacity: 64 }), stream, { runtime });
    using feed = new DataSubscriber(lane.config({ queueCapacity: 64 }), stream, { runtime });
    const got: number[] = [];
    for (let round = 0; round < 40; round++) {
      send(out, 1 + round % 50);
      got.push(...drain(feed));
    }
    assertEquals(got, range(0, out.nextSequence));
    assertEquals(drain(feed), []);
  });

  test(`${lane.name}: a subscriber that was there before the broadcaster gets the first block`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    assertEquals(feed.hasData(), false);
    assertEquals(feed.receive(), null);
    assertEquals(feed.receiveBlock(), null);
    assertEquals(feed.poll(() => {}), 0);
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    send(out, 3);
    assertEquals(feed.hasData(), true);
    assertEquals(drain(feed), [0, 1, 2]);
    assertEquals(feed.hasData(), false);
  });

  test(`${lane.name}: receive returns a copy of exactly the bytes sent, of every length`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const copies: Uint8Array[] = [];
    const lengths = [8160, 0, 1, 7, 8, 63, 64, 72, 4096, 8135, 8136, 8137, 8159, 8160, 0];
    for (const length of lengths) {
      send(out, 1, length);
      const copy = feed[copies.length % 2 === 0 ? "receive" : "receiveNowait"]();
      assert(copy !== null);
      copies.push(copy);
    }
    // Looked at after all were sent: a copy stays what it was.
    copies.forEach((copy, index) => assertEquals(copy, payload(index, lengths[index])));
    assertEquals(feed.receive(), null);
    assertEquals(feed.receiveNowait(), null);
  });

  test(`${lane.name}: a view into a larger buffer is sent from where it begins`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const whole = payload(9, 9000);
    out.broadcast(whole.subarray(3, 8003), 1, MarketDataType.Unknown);
    assertEquals(feed.receive(), whole.slice(3, 8003));
  });

  test(`${lane.name}: the header says count, type, size of a record, time and epoch`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    for (const type of Object.values(MarketDataType)) {
      const before = BigInt(Date.now()) * 1_000_000n;
      out.broadcast(new Uint8Array(96), 4, type);
      using block = feed.receiveBlock()!;
      const after = BigInt(Date.now() + 1) * 1_000_000n;
      assertEquals(block.recordCount, 4);
      assertEquals(block.recordSize, 24);
      assertEquals(block.schemaId, 0);
      assertEquals(block.dataType, type);
      assertEquals(block.epoch, out.epoch);
      assertEquals(block.intact, true);
      assert(block.timestampNs >= before && block.timestampNs <= after, `${block.timestampNs}`);
      assert(Math.abs(block.timestampMs - Number(block.timestampNs / 1000n) / 1000) < 0.01);
    }
    // Records of no common size have none.
    out.broadcast(new Uint8Array(10), 4, MarketDataType.Unknown);
    using block = feed.receiveBlock()!;
    assertEquals([block.recordCount, block.recordSize], [4, 0]);
  });

  test(`${lane.name}: firstSequence is where a broadcaster begins, up to 2^53 - 1 and not past it`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const last = Number.MAX_SAFE_INTEGER;
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    using out = new DataBroadcaster(lane.config(), stream, { runtime, firstSequence: last - 2 });
    send(out, 3);
    assertThrows(() => out.broadcast(payload(0), 1, MarketDataType.Unknown), SequenceExhaustedError);
    assertThrows(() => out.loan(), SequenceExhaustedError);
    assertEquals(out.getStats().errors, 2);
    assertEquals(drain(feed), [last - 2, last - 1, last]);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
    for (const firstSequence of [-1, 0.5, NaN, last + 1]) {
      assertThrows(() => new DataBroadcaster(lane.config(), stream, { runtime, firstSequence }), ArgumentError);
    }
  });

  test(`${lane.name}: two broadcasters of one stream are told apart by epoch, each in its own order`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(lane.config({ queueCapacity: 128 }), stream, { runtime });
    using one = new DataBroadcaster(lane.config({ queueCapacity: 128 }), stream, { runtime });
    using two = new DataBroadcaster(lane.config({ queueCapacity: 128 }), stream, { runtime, firstSequence: 7 });
    assertNotEquals(one.epoch, two.epoch);
    const got = new Map<bigint, number[]>([[one.epoch, []], [two.epoch, []]]);
    for (let round = 0; round < 20; round++) {
      send(one, round % 3);
      // Blocks without room for a trailer, too, are of their broadcaster.
      send(two, round % 4);
      while (feed.poll((block) => void got.get(block.epoch)!.push(checkBlock(block))) > 0);
    }
    assertEquals(got.get(one.epoch), range(0, one.nextSequence));
    assertEquals(got.get(two.epoch), range(7, two.nextSequence));
    const stats = feed.getReceiveStats();
    assertEquals([stats.missedBlocks, stats.gaps, stats.broadcasters], [0, 0, 2]);
  });

  test(`${lane.name}: blocks too long for a trailer are of their broadcaster once it has sent a shorter one`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    using one = new DataBroadcaster(lane.config(), stream, { runtime });
    using two = new DataBroadcaster(lane.config(), stream, { runtime });
    const got: [bigint, number][] = [];
    const read = (length: number) => feed.poll((block) => void got.push([block.epoch, checkBlock(block, length)]));
    for (const out of [one, two]) send(out, 1);
    read(64);
    for (const out of [two, one, one, two]) send(out, 1, 8160);
    read(8160);
    const wanted: [bigint, number][] = [
      [one.epoch, 0],
      [two.epoch, 0],
      [two.epoch, 1],
      [one.epoch, 1],
      [one.epoch, 2],
      [two.epoch, 2],
    ];
    if (lane.isOneQueue) assertEquals(got, wanted);
    else {
      for (const { epoch } of [one, two]) {
        const of = (all: typeof got) => all.filter((block) => block[0] === epoch);
        assertEquals(of(got), of(wanted));
      }
    }
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: a broadcaster made anew has another epoch and begins at 0, and nothing counts as lost`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const epochs = new Set<bigint>();
    for (let life = 1; life <= 5; life++) {
      using out = new DataBroadcaster(lane.config(), stream, { runtime });
      send(out, life);
      epochs.add(out.epoch);
      assertEquals(drain(feed), range(0, life));
    }
    assertEquals(epochs.size, 5);
    const { missedBlocks, receivedBlocks, broadcasters } = feed.getReceiveStats();
    assertEquals([missedBlocks, receivedBlocks, broadcasters], [0, 15, 5]);
  });

  test(`${lane.name}: streams and services with like names do not mix`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const names = [stream, `${stream} `, stream.toUpperCase(), `${stream}é`, `${stream}e\u0301`, "x".repeat(100)];
    const outs = names.map((name) => new DataBroadcaster(lane.config(), name, { runtime }));
    const feeds = names.map((name) => new DataSubscriber(lane.config(), name, { runtime }));
    using other = new DataSubscriber(lane.config({ serviceName: "OTHER" }), stream, { runtime });
    outs.forEach((out, index) => send(out, index + 1));
    feeds.forEach((feed, index) => assertEquals(drain(feed).length, index + 1));
    assertEquals(other.receive(), null);
    for (const end of [...outs, ...feeds]) end.close();
  });

  test(`${lane.name}: broadcast refuses what is no block, and nothing is sent`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const type = MarketDataType.Tick;
    const tooLong = assertThrows(() => out.broadcast(new Uint8Array(8161), 1, type), DataTooLongError);
    assertEquals([tooLong.value, tooLong.limit], [8161, 8160]);
    // deno-lint-ignore no-explicit-any
    const loose = out as any;
    for (const data of [null, undefined, "text", [1, 2], new ArrayBuffer(8), new Float64Array(2), 5, {}]) {
      assertThrows(() => loose.broadcast(data, 1, type), ArgumentError);
    }
    for (const count of [-1, 0.5, NaN, Infinity, 2 ** 53, "1", 1n, null, undefined]) {
      assertThrows(() => loose.broadcast(payload(0), count, type), ArgumentError);
    }
    for (const wrong of [5, 254, 256, -1, 0.5, NaN, "Tick", null, undefined]) {
      assertThrows(() => loose.broadcast(payload(0), 1, wrong), ArgumentError);
    }
    assertEquals([out.nextSequence, feed.receive(), out.getStats().errors], [0, null, 27]);
    send(out, 1);
    assertEquals(drain(feed), [0]);
  });

  test(`${lane.name}: receiveBlock hands out an object of its own for each block`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 2);
    using first = feed.receiveBlock()!;
    using second = feed.receiveBlock()!;
    assertNotStrictEquals(first, second);
    assertEquals([checkBlock(first), checkBlock(second)], [0, 1]);
  });
}
