// SPDX-License-Identifier: Apache-2.0
// Statistics, the state of a stream, and the list of streams.
import { test } from "node:test";
import { assert, assertEquals, assertGreater, assertLessOrEqual, assertThrows } from "@std/assert";
import {
  BatchTooLargeError,
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  DataTooLongError,
  type LatencyNs,
  MarketDataType,
} from "../../mod.ts";
import { waitFor } from "../support/wait.ts";
import type { Lane } from "./lane.ts";
import { drain, newStream, payload, send } from "./tools.ts";

function assertDistribution(latency: LatencyNs | undefined): void {
  assert(latency !== undefined);
  const { min, p50, p99, p999, max, mean } = latency;
  assertGreater(min, 0);
  const rising = [min, p50, p99, p999, max];
  rising.reduce((before, value) => (assertLessOrEqual(before, value), value));
  assert(mean >= min && mean <= max);
}

export function testStats(lane: Lane): void {
  test(`${lane.name}: the statistics of both ends count the same blocks, records and bytes`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    let bytes = 0;
    let records = 0;
    for (let turn = 0; turn < 60; turn++) {
      const length = (turn * 137) % 8161;
      assert(out.broadcast(payload(turn, length), turn, MarketDataType.Bar));
      bytes += length;
      records += turn;
    }
    while (feed.poll(() => {}, 7) > 0);
    const sent = out.getStats();
    assertEquals([sent.sentBlocks, sent.sentRecords, sent.sentBytes], [60, records, bytes]);
    assertEquals([sent.refusedBlocks, sent.errors, sent.subscribers], [0, 0, 1]);
    const got = feed.getReceiveStats();
    assertEquals([got.receivedBlocks, got.receivedRecords, got.receivedBytes], [60, records, bytes]);
    assertEquals([got.missedBlocks, got.gaps, got.tornBlocks, got.droppedByWriter], [0, 0, 0, 0]);
    assertEquals([got.heldLimitHits, got.broadcasters], [0, 1]);
    assertGreater(sent.memoryBytes, 0);
    assertGreater(sent.elapsedMs, 0);
    // The rates are of the same moment as the counts.
    assertEquals(sent.recordsPerSecond, records / (sent.elapsedMs / 1000));
    assertEquals(sent.mebibytesPerSecond, bytes / 1024 / 1024 / (sent.elapsedMs / 1000));
  });

  test(`${lane.name}: resetStats begins anew, and sequences go on`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config({ statsEnabled: true }), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    send(out, 10);
    assertThrows(() => out.broadcast(new Uint8Array(9000), 1, MarketDataType.Bar), DataTooLongError);
    assertEquals(out.getStats().errors, 1);
    const before = out.getStats().elapsedMs;
    await waitFor(() => out.getStats().elapsedMs > before + 5);
    out.resetStats();
    const { sentBlocks, sentRecords, sentBytes, refusedBlocks, errors, elapsedMs, latencyNs } = out.getStats();
    assertEquals([sentBlocks, sentRecords, sentBytes, refusedBlocks, errors], [0, 0, 0, 0, 0]);
    assertEquals(latencyNs, undefined);
    assert(elapsedMs < before + 5);
    send(out, 5);
    assertEquals(out.getStats().sentBlocks, 5);
    assertEquals(drain(feed).at(-1), 14);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: latencies are measured with statsEnabled, and only then`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const timed = lane.config({ statsEnabled: true });
    using out = new DataBroadcaster(timed, stream, { runtime });
    using feed = new DataSubscriber(timed, stream, { runtime });
    using plainOut = new DataBroadcaster(lane.config(), stream, { runtime });
    using plainFeed = new DataSubscriber(lane.config(), stream, { runtime });
    assertEquals([out.getStats().latencyNs, feed.getReceiveStats().latencyNs], [undefined, undefined]);
    for (let turn = 0; turn < 50; turn++) {
      send(out, 1);
      drain(feed);
      drain(plainFeed);
    }
    assertDistribution(out.getStats().latencyNs);
    assertDistribution(feed.getReceiveStats().latencyNs);
    send(plainOut, 1);
    assertEquals("latencyNs" in plainOut.getStats(), false);
    assertEquals("latencyNs" in plainFeed.getReceiveStats(), false);
  });

  test(`${lane.name}: a delivery latency covers the time that a block waited`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config({ statsEnabled: true }), stream, { runtime });
    send(out, 1);
    const began = performance.now();
    await waitFor(() => performance.now() - began >= 20);
    drain(feed);
    assertGreater(feed.getReceiveStats().latencyNs!.min, 19e6);
  });

  for (const preset of ["lowLatency", "highPerformance", "massiveScale"] as const) {
    test(`${lane.name}: the preset ${preset} works, and what is in force of it can be read`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      const config = lane.config({ ...BroadcastConfig[preset](), delivery: lane.delivery });
      using out = new DataBroadcaster(config, stream, { runtime });
      using feed = new DataSubscriber(config, stream, { runtime });
      const most = lane.queueCapacityMax ?? Infinity;
      if (lane.hasOwnCapacity) assertEquals(feed.queueCapacity, Math.min(config.queueCapacity, most));
      else assertLessOrEqual(feed.queueCapacity, most);
      send(out, 100);
      assertEquals(drain(feed).length, 100);
      const ticks = config.batchSize;
      assertThrows(() => out.broadcastBatch(new Uint8Array(ticks + 1), ticks + 1, 0), BatchTooLargeError);
      assertEquals(out.broadcastBatch(new Uint8Array(ticks), ticks, 0), ticks);
    });
  }

  test(`${lane.name}: state tells waiting, live and ended, and live again`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using feed = new DataSubscriber(lane.config({ heartbeatIntervalMs: 1 }), stream, { runtime });
    assertEquals(feed.state, "waiting");
    for (let life = 0; life < 3; life++) {
      const out = new DataBroadcaster(lane.config(), stream, { runtime });
      await waitFor(() => feed.state === "live");
      const second = new DataBroadcaster(lane.config(), stream, { runtime });
      out.close();
      await waitFor(() => feed.state === "live");
      second.close();
      await waitFor(() => feed.state === "ended");
    }
  });

  test(`${lane.name}: Runtime.streams lists what is broadcast and subscribed to`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    const find = () => runtime.streams().filter((info) => info.stream === stream);
    assertEquals(find(), []);
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using _two = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const [info, ...others] = find();
    assertEquals(others, []);
    assertEquals([info!.service, info!.broadcasters, info!.subscribers], ["QAULTRA", 2, 1]);
    out.close();
    feed.close();
    await waitFor(() => find().every(({ broadcasters, subscribers }) => broadcasters === 1 && subscribers === 0));
  });
}
