// SPDX-License-Identifier: Apache-2.0
// Ports, loans and blocks that are used after their end or beyond their limits.
import { after, before, describe, test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Block,
  BlockReleasedError,
  BroadcastConfig,
  BroadcastManager,
  ClosedError,
  DataBroadcaster,
  DataSubscriber,
  IterationError,
  MarketDataType,
  NotABlockError,
  NotLoanedError,
  type Runtime,
  Tick,
} from "../mod.ts";
import { Ground, NATIVE_STACKS } from "./support/ground.ts";
import { assertIpcError, assertMisuse, assertStillFlows, assertStillWorks } from "./support/misuse.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const POOL = 1024;

/** Loans all that the pool has and gives it back; returns how many chunks that were. */
function countFreeChunks(runtime: Runtime): number {
  const writers: DataBroadcaster[] = [];
  let count = 0;
  try {
    while (count < POOL) {
      const config = new BroadcastConfig({ lane: "queue" });
      const writer = new DataBroadcaster(config, `pool-${writers.length}`, { runtime });
      writers.push(writer);
      for (let turn = 0; turn < 8; turn++) {
        if (writer.loan() === null) return count;
        count++;
      }
    }
    return count;
  } finally {
    for (const writer of writers) writer.close();
  }
}

for (const stack of NATIVE_STACKS) {
  describe(stack, () => {
    let ground: Ground;
    let runtime: Runtime;
    before(async () => {
      ground = await Ground.start(stack, { blocks: POOL });
      runtime = ground.runtime;
    });
    after(() => ground.stop());

    for (const lane of ["auto", "queue"] as const) {
      describe(`lane ${lane}`, () => {
        const config = new BroadcastConfig({ lane });
        const broadcaster = (stream: string): DataBroadcaster => new DataBroadcaster(config, stream, { runtime });
        const subscriber = (stream: string): DataSubscriber => new DataSubscriber(config, stream, { runtime });

        test("a closed broadcaster throws ClosedError on every call but getStats, resetStats and close", async () => {
          const out = broadcaster("closed writer");
          using feed = subscriber("closed writer");
          const ticks = out.writer(Tick);
          out.broadcast(Uint8Array.of(1), 1, Unknown);
          const loan = out.loan()!;
          out.close();
          out.close();
          const data = new Uint8Array(8);
          const calls: readonly (() => unknown)[] = [
            () => out.broadcast(data, 1, Unknown),
            () => out.broadcastBatch(data, 1, Unknown),
            () => out.loan(),
            () => out.writer(Tick),
            () => out.waitForRoomSync(0),
            () => out.hasSubscribers(),
            () => out.getSubscriberCount(),
            () => ticks.write({ timestampNs: 1n, last: 1, bid: 1, ask: 1, volume: 1n, symbol: "" }),
          ];
          for (const call of calls) assertMisuse(call, ClosedError);
          assertIpcError(await assertRejects(() => out.waitForRoom(0)), ClosedError);
          assertMisuse(() => loan.data, NotLoanedError);
          assertMisuse(() => loan.publish(1, 1, Unknown), NotLoanedError);
          loan.discard();
          assert(ticks.flush());
          ticks.close();
          assertEquals(out.getStats().sentBlocks, 1);
          assertEquals(out.getStats().subscribers, 0);
          out.resetStats();
          assertEquals(feed.receive(), Uint8Array.of(1));
          assertStillWorks(runtime);
        });

        test("a closed subscriber throws ClosedError on every call but its getters, statistics and close", async () => {
          using out = broadcaster("closed reader");
          const feed = subscriber("closed reader");
          const iteration = feed.blocks();
          out.broadcast(Uint8Array.of(1), 1, Unknown);
          out.broadcast(Uint8Array.of(2), 1, Unknown);
          const block = feed.receiveBlock()!;
          feed.close();
          feed.close();
          const calls: readonly (() => unknown)[] = [
            () => feed.receive(),
            () => feed.receiveNowait(),
            () => feed.receiveBlock(),
            () => feed.poll(() => {}),
            () => feed.waitSync(0),
            () => feed.hasData(),
            () => feed.blocks(),
            () => feed[Symbol.asyncIterator](),
          ];
          for (const call of calls) assertMisuse(call, ClosedError, { says: ['"closed reader"'] });
          assert(block.released);
          assertMisuse(() => block.sequence, BlockReleasedError);
          block.release();
          assertEquals(await iteration.next(), { done: true, value: undefined });
          assertEquals(feed.closed, true);
          assertEquals(feed.queueCapacity, lane === "queue" ? 256 : config.ringCapacity);
          assertEquals(feed.getReceiveStats().receivedBlocks, 1);
          assertStillWorks(runtime);
        });

        test("a closed manager makes nothing any more, and what it had is closed", () => {
          const manager = new BroadcastManager(runtime);
          const out = manager.createBroadcaster(config, "managed");
          const feed = manager.createSubscriber(config, "managed");
          manager.close();
          manager.close();
          assertMisuse(() => manager.createBroadcaster(config, "again"), ClosedError);
          assertMisuse(() => manager.createSubscriber(config, "again"), ClosedError);
          assertMisuse(() => out.broadcast(Uint8Array.of(1), 1, Unknown), ClosedError);
          assertMisuse(() => feed.receive(), ClosedError);
          assertEquals(manager.getBroadcaster("managed"), undefined);
          assertEquals(manager.getSubscribers("managed"), []);
          assertEquals(manager.getAllStats().size, 0);
          assertStillWorks(runtime);
        });

        test("release twice gives a block back once", () => {
          using out = broadcaster("release twice");
          using feed = subscriber("release twice");
          for (let value = 0; value < 600; value++) {
            assert(out.broadcast(Uint8Array.of(value & 255), 1, Unknown));
            const block = feed.receiveBlock()!;
            assertEquals(block.data[0], value & 255);
            block.release();
            block.release();
            block[Symbol.dispose]();
            assert(block.released);
          }
          assertStillFlows(out, feed);
        });

        test("every access to a released block throws BlockReleasedError, also through its records", () => {
          using out = broadcaster("released");
          using feed = subscriber("released");
          const ticks = out.writer(Tick);
          ticks.write({ timestampNs: 1n, last: 1.5, bid: 1, ask: 2, volume: 1n, symbol: "QAUL" });
          ticks.flush();
          const block = feed.receiveBlock()!;
          const records = block.records(Tick);
          const record = records.at(0);
          assertEquals(record.last, 1.5);
          block.release();
          const names = [
            ...["sequence", "epoch", "timestampNs", "timestampMs", "recordCount", "dataType", "recordSize", "schemaId"],
            ...["sourceSequence", "data", "intact"],
          ] as (keyof Block)[];
          for (const name of names) assertMisuse(() => block[name], BlockReleasedError);
          assertMisuse(() => block.records(Tick), BlockReleasedError);
          assertMisuse(() => record.last, BlockReleasedError);
          assertMisuse(() => record.symbol, BlockReleasedError);
          assertMisuse(() => records.at(0).last, BlockReleasedError);
          assertMisuse(() => [...records].map((tick) => tick.last), BlockReleasedError);
          assertStillFlows(out, feed);
        });

        test("a block that was never received throws NotABlockError", () => {
          const block = new Block();
          assert(block.released);
          assertMisuse(() => block.sequence, NotABlockError);
          assertMisuse(() => block.data, NotABlockError);
          assertMisuse(() => block.records(Tick), NotABlockError);
          block.release();
        });

        test("publish of a loan twice, after discard, and discard after publish are refused or do nothing", () => {
          using out = broadcaster("loans");
          using feed = subscriber("loans");
          const published = out.loan()!;
          published.data[0] = 7;
          published.publish(1, 1, Unknown);
          assertMisuse(() => published.publish(1, 1, Unknown), NotLoanedError, { says: ["once"] });
          assertMisuse(() => published.data, NotLoanedError);
          published.discard();
          published[Symbol.dispose]();
          const discarded = out.loan()!;
          discarded.discard();
          discarded.discard();
          assertMisuse(() => discarded.publish(1, 1, Unknown), NotLoanedError);
          assertEquals(out.getStats().sentBlocks, 1);
          assertEquals(feed.receive(), Uint8Array.of(7));
          assertEquals(feed.receive(), null);
          assertStillFlows(out, feed);
        });

        test("a subscriber that its own handler closes gives its block back, every time", () => {
          using out = broadcaster("suicides");
          using feed = subscriber("suicides");
          for (let turn = 0; turn < 600; turn++) {
            const brief = subscriber("suicides");
            assert(out.broadcast(Uint8Array.of(turn & 255), 1, Unknown), `no chunk in turn ${turn}`);
            assertEquals(brief.poll(() => brief.close()), 1);
            assertEquals(feed.receive(), Uint8Array.of(turn & 255));
          }
          assertStillFlows(out, feed);
        });

        test("a runtime that a handler closes ends the poll without a crash", () => {
          const other = ground.open();
          const out = new DataBroadcaster(config, "closing", { runtime: other });
          const feed = new DataSubscriber(config, "closing", { runtime: other });
          for (let value = 0; value < 3; value++) out.broadcast(Uint8Array.of(value), 1, Unknown);
          assertEquals(feed.poll(() => other.close()), 1);
          assertMisuse(() => feed.receive(), ClosedError);
          assertStillWorks(runtime);
        });

        test("a view that is kept after close is empty or harmless, never a fault", () => {
          const other = ground.open();
          const out = new DataBroadcaster(config, "views", { runtime: other });
          const feed = new DataSubscriber(config, "views", { runtime: other });
          out.broadcast(new Uint8Array(100).fill(7), 1, Unknown);
          const block = feed.receiveBlock()!;
          const loan = out.loan()!;
          const { data } = block;
          const loaned = loan.data;
          assertEquals(data[99], 7);
          other.close();
          assertEquals(loaned.length, 0);
          loaned[0] = 1;
          assertThrows(() => loaned.fill(1), TypeError);
          // Of a ring it is a copy, which stays what it was.
          if (lane === "queue") assertEquals([data.length, data[99]], [0, undefined]);
          else assertEquals(data, new Uint8Array(100).fill(7));
          assertStillWorks(runtime);
        });

        test("a second question to an iteration while the first is open is an IterationError", async () => {
          using out = broadcaster("impatient");
          using feed = subscriber("impatient");
          const iteration = feed.blocks();
          const first = iteration.next();
          assertIpcError(await assertRejects(() => iteration.next()), IterationError);
          out.broadcast(Uint8Array.of(5), 1, Unknown);
          const result = await first;
          assertEquals(result.value?.data[0], 5);
          await iteration.return!();
          assertStillFlows(out, feed);
        });
      });
    }

    test("nothing that these tests did has kept a chunk", async () => {
      // RouDi takes closed ports apart in the background. A publisher of iceoryx2 has memory of its own.
      await waitFor(() => countFreeChunks(runtime) === POOL, { what: `all ${POOL} chunks to be free` });
      assertStillWorks(runtime);
    });
  });
}
