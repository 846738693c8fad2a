// SPDX-License-Identifier: Apache-2.0
// Closing: in any order, by `using`, by the runtime first, and by the collector for what was lost.
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { readdirSync } from "node:fs";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BroadcastConfig,
  BroadcastManager,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  NotLoanedError,
  Runtime,
  Tick,
} from "../mod.ts";
import { assertStillWorks } from "./support/misuse.ts";
import { RouDi } from "./support/roudi.ts";
import { collectGarbage } from "./support/runtime.ts";
import { delay, waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const LANES = ["auto", "queue"] as const;
const TICK = { timestampNs: 1n, last: 1, bid: 1, ask: 1, volume: 1n, symbol: "QAUL" };

/** Every order of the numbers from 0. */
function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => [...order.slice(0, at), count - 1, ...order.slice(at)])
  );
}

/** What rings have in shared memory. */
const ringFiles = (): string[] => readdirSync("/dev/shm").filter((name) => name.startsWith("qaultra-"));

let roudi: RouDi;
/** Stays open, to see from outside what is left. */
let observer: Runtime;
before(async () => {
  roudi = await RouDi.start({ blocks: 2048 });
  observer = Runtime.open();
});
after(async () => {
  observer.close();
  await roudi.stop();
});

for (const lane of LANES) {
  const config = new BroadcastConfig({ lane });
  describe(`closing in any order, lane ${lane}`, () => {
    test("runtime, broadcaster, subscriber, loan and block, in all 120 orders and each twice", async () => {
      for (const order of orders(5)) {
        const runtime = Runtime.open();
        const out = new DataBroadcaster(config, "orders", { runtime });
        const feed = new DataSubscriber(config, "orders", { runtime });
        out.broadcast(Uint8Array.of(1), 1, Unknown);
        const things = [runtime, out, feed, out.loan()!, feed.receiveBlock()!];
        for (const index of order) things[index]![Symbol.dispose]();
        for (const index of order) things[index]![Symbol.dispose]();
        assertEquals([runtime.state, feed.closed], ["closed", true], order.join());
      }
      assertEquals(observer.streams(), []);
      await waitFor(() => observer.streams().length === 0);
      assertStillWorks(observer);
    });

    test("a runtime that is closed first sends what writers hold, releases blocks and ends loops", async () => {
      const feed = new DataSubscriber(config, "first", { runtime: observer });
      const runtime = Runtime.open();
      const out = new DataBroadcaster(config, "first", { runtime });
      const manager = new BroadcastManager(runtime);
      const managed = manager.createSubscriber(config, "first");
      const loop = new DataSubscriber(config, "parked", { runtime, wait: "park" });
      const ended = (async () => {
        let blocks = 0;
        for await (const _ of loop) blocks++;
        return blocks;
      })();
      assert(out.writer(Tick).write(TICK));
      out.broadcast(Uint8Array.of(1), 1, Unknown);
      const block = managed.receiveBlock()!;
      await delay(5);
      runtime.close();
      assertEquals(await ended, 0);
      assert(block.released && managed.closed && loop.closed);
      assertEquals(feed.receive(), Uint8Array.of(1));
      assertEquals(feed.poll((sent) => assertEquals(sent.records(Tick).at(0).symbol, "QAUL")), 1);
      manager[Symbol.dispose]();
      feed.close();
      assertEquals(observer.streams(), []);
    });

    test("using closes on the way out of a scope, also by an exception", () => {
      const made: { closed: boolean }[] = [];
      try {
        using runtime = Runtime.open();
        using out = new DataBroadcaster(config, "scope", { runtime });
        using feed = new DataSubscriber(config, "scope", { runtime });
        made.push(feed);
        using loan = out.loan()!;
        loan.publish(0, 0, Unknown);
        using block = feed.receiveBlock()!;
        throw new Error(`after ${block.sequence}`);
      } catch (error) {
        assertEquals((error as Error).message, "after 0");
      }
      assertEquals(made.map(({ closed }) => closed), [true]);
      assertEquals(observer.streams(), []);
    });

    test("a broadcaster and a subscriber can be made, used and closed 500 times", async () => {
      for (let turn = 0; turn < 500; turn++) {
        // RouDi takes closed ports apart ten times a second, and has places for some hundred.
        if (turn % 100 === 99) await waitFor(() => observer.streams().length === 0);
        using out = new DataBroadcaster(config, `again-${turn % 3}`, { runtime: observer });
        using feed = new DataSubscriber(config, `again-${turn % 3}`, { runtime: observer });
        assert(out.broadcast(Uint8Array.of(turn & 255), 1, Unknown));
        assertEquals(feed.receive(), Uint8Array.of(turn & 255));
      }
      assertEquals(observer.streams(), []);
      await waitFor(() => ringFiles().length === 0, { what: "the rings to go" });
    });

    test("a broadcaster that is closed over a loan and records gives the loan back and sends the records", () => {
      using feed = new DataSubscriber(config, "both", { runtime: observer });
      using out = new DataBroadcaster(config, "both", { runtime: observer });
      assert(out.writer(Tick).write(TICK));
      const loan = out.loan()!;
      loan.data[0] = 1;
      out.close();
      assertThrows(() => loan.publish(1, 1, Unknown), NotLoanedError);
      assertEquals(out.getStats().sentBlocks, 1);
      assertEquals(feed.poll((sent) => assertEquals(sent.records(Tick).at(0).symbol, "QAUL")), 1);
    });

    test("what was read of a broadcaster that has closed is read to its end, and nothing of it stays in shared memory", async () => {
      using feed = new DataSubscriber(config, "ended", { runtime: observer });
      const out = new DataBroadcaster(config, "ended", { runtime: observer });
      for (let value = 0; value < 10; value++) assert(out.broadcast(Uint8Array.of(value), 1, Unknown));
      const held = feed.receiveBlock()!;
      out.close();
      for (let value = 1; value < 10; value++) assertEquals(feed.receive(), Uint8Array.of(value));
      assertEquals([feed.receive(), held.data[0], feed.getReceiveStats().missedBlocks], [null, 0, 0]);
      held.release();
      await waitFor(() => ringFiles().length === 0, { what: "the ring to go" });
    });
  });
}

for (const lane of LANES) {
  const config = new BroadcastConfig({ lane });
  describe(`what a script lost, lane ${lane}`, () => {
    let warnings: string[] = [];
    const { warn } = console;
    beforeEach(() => {
      warnings = [];
      console.warn = (...words: unknown[]) => void warnings.push(words.join(" "));
    });
    afterEach(() => {
      console.warn = warn;
    });

    /** Collects until the condition holds. */
    async function collectUntil(condition: () => boolean): Promise<void> {
      await waitFor(() => {
        collectGarbage();
        return condition();
      }, { what: "the collector to find what was lost" });
    }

    test("is reported once each by the collector, with class and stream, and its ports are closed", async () => {
      (() => {
        const out = new DataBroadcaster(config, "lost", { runtime: observer });
        const feed = new DataSubscriber(config, "lost", { runtime: observer });
        out.broadcast(Uint8Array.of(1), 1, Unknown);
        feed.receive();
      })();
      await collectUntil(() => warnings.length === 2 && observer.streams().length === 0);
      assertEquals(warnings.sort(), [
        'A DataBroadcaster of stream "lost" was lost without close(); declare it with `using`',
        'A DataSubscriber of stream "lost" was lost without close(); declare it with `using`',
      ]);
      collectGarbage();
      await delay(20);
      collectGarbage();
      assertEquals(warnings.length, 2);
      assertStillWorks(observer);
    });

    test("is not reported when it was closed, by itself or by its runtime", async () => {
      const found: string[] = [];
      const registry = new FinalizationRegistry<string>((name) => void found.push(name));
      (() => {
        const runtime = Runtime.open();
        const out = new DataBroadcaster(config, "closed", { runtime });
        const feed = new DataSubscriber(config, "closed", { runtime });
        const left = new DataSubscriber(config, "closed", { runtime });
        out.close();
        feed.close();
        runtime.close();
        [out, feed, left].forEach((owner, index) => registry.register(owner, `${index}`));
      })();
      await collectUntil(() => found.length === 3);
      await delay(20);
      assertEquals(warnings, []);
    });

    test("does not include a broadcaster whose writer is in use, or a subscriber that a loop reads", async () => {
      const ticks = (() => new DataBroadcaster(config, "writer in use", { runtime: observer }).writer(Tick))();
      const iteration = (() => new DataSubscriber(config, "writer in use", { runtime: observer }).blocks())();
      for (let turn = 0; turn < 10; turn++) {
        collectGarbage();
        await delay(1);
        assert(ticks.write(TICK) && ticks.flush());
        const { value } = await iteration.next();
        assertEquals(value?.records(Tick).at(0).symbol, "QAUL");
      }
      assertEquals(warnings, []);
      await iteration.return!();
    });

    test("does not include a subscriber whose block is held", async () => {
      // What the test before left is found at any time.
      const ofThis = () => warnings.filter((warning) => warning.includes("block in use"));
      using out = new DataBroadcaster(config, "block in use", { runtime: observer });
      const block = (() => {
        const feed = new DataSubscriber(config, "block in use", { runtime: observer });
        assert(out.broadcast(Uint8Array.of(7), 1, Unknown));
        return feed.receiveBlock()!;
      })();
      for (let turn = 0; turn < 10; turn++) {
        collectGarbage();
        await delay(1);
      }
      assertEquals(block.data, Uint8Array.of(7));
      assertEquals(ofThis(), []);
      block.release();
      await collectUntil(() => ofThis().length === 1);
    });
  });
}
