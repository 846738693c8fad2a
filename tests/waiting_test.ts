// SPDX-License-Identifier: Apache-2.0
// Waiting: loops that sleep, wake and share the event loop, and threads that block.
import { createServer, type Socket } from "node:net";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertLess, assertThrows } from "@std/assert";
import { ArgumentError, DataBroadcaster, DataSubscriber, Runtime } from "../mod.ts";
import { NATIVE_STACKS } from "./support/ground.ts";
import { type Process, startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor, within } from "./support/wait.ts";
import { config, LANES, newStream, send, settle, STRATEGIES, turn } from "./waiting/tools.ts";

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

/** Ends a sender in order: one that is killed while it publishes would take RouDi with it. */
async function end(sender: Process): Promise<void> {
  sender.closeInput();
  assertEquals((await sender.exited()).code, 0, sender.report());
}

for (const [stack, lane] of NATIVE_STACKS.flatMap((stack) => LANES.map((lane) => [stack, lane] as const))) {
  for (const wait of ["backoff", "park"] as const) {
    test(`${lane} on ${stack}: for await with ${wait} uses no CPU while its stream is idle, and wakes for a block of another process`, async () => {
      const stream = newStream();
      await using script = startScript("tests/waiting/idle_cpu.ts", [lane, stream, wait, stack]);
      const { parked, plain } = JSON.parse(await script.nextLine());
      // A loop that looks all the time uses a whole CPU.
      assertLess(parked, plain + 0.1, script.report());
      using runtime = Runtime.open({ stack });
      using out = new DataBroadcaster(config(lane), stream, { runtime });
      send(out);
      assertEquals(await script.nextLine(), "got 0");
      script.closeInput();
      assertEquals((await script.exited()).code, 0, script.report());
    });
  }
}

for (const lane of LANES) {
  for (const wait of STRATEGIES) {
    test(`${lane}: for await with ${wait} over a stream that never pauses starves no timer, socket or other loop`, async () => {
      using runtime = Runtime.open();
      const names = [newStream(), newStream()] as const;
      using out = new DataBroadcaster(config(lane), names[0], { runtime });
      using feed = new DataSubscriber(config(lane, wait), names[0], { runtime });
      using otherOut = new DataBroadcaster(config(lane), names[1], { runtime });
      using otherFeed = new DataSubscriber(config(lane, wait), names[1], { runtime });

      let running = true;
      let timers = 0;
      const onTimer = (): void => {
        if (!running) return;
        timers++;
        send(otherOut);
        setTimeout(onTimer, 0);
      };
      let otherBlocks = 0;
      const other = (async () => {
        for await (const _ of otherFeed) otherBlocks++;
      })();
      let echoes = 0;
      const server = createServer((socket: Socket) => void socket.pipe(socket).on("error", () => {}));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const client = connect((server.address() as { port: number }).port, "127.0.0.1");
      client.on("data", () => {
        echoes++;
        client.write("x");
      });
      client.on("connect", () => client.write("x"));

      // Every block sends the next: there is always one. It ends by itself when others got their turns, and not otherwise.
      setTimeout(onTimer, 0);
      send(out);
      let blocks = 0;
      const began = performance.now();
      for await (const _ of feed) {
        send(out);
        blocks++;
        const enough = timers >= 20 && echoes >= 20 && otherBlocks >= 20 && performance.now() - began > 100;
        if (enough || performance.now() - began > 20_000) break;
      }
      running = false;
      otherFeed.close();
      await within(other);
      client.destroy();
      await new Promise((resolve) => server.close(resolve));
      assertGreaterOrEqual(timers, 20);
      assertGreaterOrEqual(echoes, 20);
      assertGreaterOrEqual(echoes, timers / 20);
      assertGreaterOrEqual(otherBlocks, 20);
      assertGreater(blocks, 100);
      assertEquals(feed.getReceiveStats().missedBlocks, 0);
    });

    test(`${lane}: for await with ${wait} gets every block of another process that pauses between them`, async () => {
      using runtime = Runtime.open();
      const stream = newStream();
      using feed = new DataSubscriber(config(lane, wait), stream, { runtime });
      await using sender = startScript("tests/waiting/sender.ts", [lane, "2", stream], {
        runtime: wait === "spin" || wait === "park" ? "deno" : "bun",
      });
      let first = -1;
      let got = 0;
      const loop = (async () => {
        for await (const block of feed) {
          if (got === 0) first = block.sequence;
          assertEquals(block.sequence, first + got);
          got++;
        }
      })();
      await waitFor(() => got >= 100);
      await end(sender);
      await waitFor(() => `${first + got}` === sender.lines[1], { what: sender.report() });
      feed.close();
      await within(loop);
      assertEquals(feed.getReceiveStats().missedBlocks, 0);
      // A ring that was made after its subscriber is read from its beginning.
      if (lane === "auto") assertEquals(first, 0);
    });

    test(`${lane}: waitSync with ${wait} returns at once with data, after its time without, and when another process sends`, async () => {
      using runtime = Runtime.open();
      const stream = newStream();
      using feed = new DataSubscriber(config(lane, wait), stream, { runtime });
      using out = new DataBroadcaster(config(lane), stream, { runtime });
      assertEquals(feed.waitSync(0), false);
      const began = performance.now();
      assertEquals(feed.waitSync(30), false);
      assertGreaterOrEqual(performance.now() - began, 29.9);
      send(out);
      for (const timeoutMs of [0, 1000, Infinity]) assertEquals(feed.waitSync(timeoutMs), true);
      assertEquals(feed.poll(() => {}), 1);
      assertEquals(feed.waitSync(0), false);

      await using sender = startScript("tests/waiting/sender.ts", [lane, "5", stream]);
      await sender.waitForLine("ready");
      for (let count = 0; count < 20; count++) {
        assertEquals(feed.waitSync(Infinity), true);
        assertGreater(feed.poll(() => {}), 0);
      }
      for (let count = 0; count < 5; count++) {
        assertEquals(feed.waitSync(30_000), true);
        assert(feed.receive() !== null);
      }
      assertEquals(feed.getReceiveStats().missedBlocks, 0);
      await end(sender);
    });
  }

  test(`${lane}: for await loops over several streams and several loops over one stream run side by side`, async () => {
    using runtime = Runtime.open();
    const names = Array.from({ length: 8 }, newStream);
    const outs = names.map((name) => new DataBroadcaster(config(lane), name, { runtime }));
    // Two subscribers of each stream, of all strategies.
    const feeds = [...names, ...names].map((name, index) =>
      new DataSubscriber(config(lane, STRATEGIES[index % STRATEGIES.length]), name, { runtime })
    );
    const got = feeds.map((): number[] => []);
    const loops = feeds.map(async (feed, index) => {
      for await (const block of feed) if (got[index]!.push(block.sequence) === 50) break;
    });
    for (let round = 0; round < 50; round++) {
      outs.forEach((out, index) => round % (index + 1) === 0 && send(out));
      if (round % 3 === 0) await turn();
    }
    for (const out of outs) while (out.nextSequence < 50) send(out);
    await within(Promise.all(loops));
    const all = Array.from({ length: 50 }, (_, index) => index);
    for (const sequences of got) assertEquals(sequences, all);
    for (const end of [...outs, ...feeds]) end.close();
  });

  test(`${lane}: for await loops over one subscriber share its blocks: each goes to one of them`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config(lane), stream, { runtime });
    using feed = new DataSubscriber(config(lane), stream, { runtime });
    const got: number[] = [];
    const loops = [1, 2, 3].map(async () => {
      for await (const block of feed) {
        got.push(block.sequence);
        await turn();
      }
    });
    for (let count = 0; count < 100; count++) {
      send(out);
      if (count % 7 === 0) await turn();
    }
    await waitFor(() => got.length === 100);
    feed.close();
    await within(Promise.all(loops));
    assertEquals(got.sort((a, b) => a - b), Array.from({ length: 100 }, (_, index) => index));
  });

  test(`${lane}: for await loops parked on one subscriber are woken by the next block when one of them has ended`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config(lane), stream, { runtime });
    using feed = new DataSubscriber(config(lane, "park"), stream, { runtime });
    for (const ended of [0, 1, 2]) {
      const blocks = [feed.blocks(), feed.blocks(), feed.blocks()];
      const nexts = blocks.map((iteration) => iteration.next());
      await settle();
      await blocks[ended]!.return!();
      assertEquals((await within(nexts[ended]!)).done, true);
      for (let sent = 0; sent < 2; sent++) {
        send(out);
        await settle();
      }
      const others = nexts.filter((_, index) => index !== ended);
      const sequences = (await within(Promise.all(others))).map(({ value }) => value!.sequence);
      assertEquals(sequences.sort(), [ended * 2, ended * 2 + 1]);
      for (const iteration of blocks) await iteration.return!();
    }
  });

  test(`${lane}: a parked loop is woken although another subscriber of the same port took the block first`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(config(lane), stream, { runtime });
    using quick = new DataSubscriber(config(lane), stream, { runtime });
    using parked = new DataSubscriber(config(lane, "park"), stream, { runtime });
    using second = new DataSubscriber(config(lane, "park"), stream, { runtime });
    for (let round = 0; round < 20; round++) {
      const blocks = [parked, second].map((feed) => feed.blocks());
      const nexts = blocks.map((iteration) => iteration.next());
      await settle();
      send(out);
      assertEquals(quick.poll(() => {}), 1);
      const values = await within(Promise.all(nexts));
      assertEquals(values.map(({ value }) => value!.sequence), [round, round]);
      for (const iteration of blocks) await iteration.return!();
    }
    // The same for a thread that blocks: the block is there, though not in the queue of the port.
    send(out);
    quick.poll(() => {});
    assertEquals([parked.waitSync(Infinity), second.waitSync(0), quick.waitSync(0)], [true, true, false]);
  });

  test(`${lane}: a loop whose neighbour was closed while both were parked is still woken`, async () => {
    using runtime = Runtime.open();
    const names = [newStream(), newStream()] as const;
    using out = new DataBroadcaster(config(lane), names[0], { runtime });
    using otherOut = new DataBroadcaster(config(lane), names[1], { runtime });
    using feed = new DataSubscriber(config(lane, "park"), names[0], { runtime });
    for (let round = 0; round < 10; round++) {
      const same = new DataSubscriber(config(lane, "park"), names[0], { runtime });
      const other = new DataSubscriber(config(lane, "park"), names[1], { runtime });
      const next = feed.blocks().next();
      const ended = [same, other].map((neighbour) => neighbour.blocks().next());
      await settle();
      same.close();
      other.close();
      for (const { done } of await within(Promise.all(ended))) assertEquals(done, true);
      await settle();
      send(otherOut);
      send(out);
      assertEquals((await within(next)).value!.sequence, round);
    }
  });

  test(`${lane}: for await keeps up with another process that never pauses, or counts what it lost`, async () => {
    using runtime = Runtime.open();
    const names = [newStream(), newStream()] as const;
    const feeds = names.map((name) => new DataSubscriber(config(lane), name, { runtime }));
    await using sender = startScript("tests/waiting/sender.ts", [lane, "0", ...names]);
    const last = [0, 0];
    const first = [0, 0];
    const loops = feeds.map(async (feed, index) => {
      let begun = false;
      for await (const block of feed) {
        if (!begun) first[index] = block.sequence;
        begun = true;
        last[index] = block.sequence;
        if (block.sequence > 20_000) break;
      }
    });
    await within(Promise.all(loops));
    feeds.forEach((feed, index) => {
      const { receivedBlocks, missedBlocks } = feed.getReceiveStats();
      assertEquals(receivedBlocks + missedBlocks, last[index]! - first[index]! + 1);
      feed.close();
    });
    await end(sender);
  });
}

test("waitSync and blocks refuse arguments that are none", () => {
  using runtime = Runtime.open();
  using feed = new DataSubscriber(config("auto"), newStream(), { runtime });
  // deno-lint-ignore no-explicit-any
  const loose = feed as any;
  for (const wrong of [-1, NaN, "1", null, undefined, 1n]) assertThrows(() => loose.waitSync(wrong), ArgumentError);
  for (const wrong of [5, "x", null]) assertThrows(() => loose.blocks(wrong), ArgumentError);
  for (const signal of [5, "x", {}, null]) assertThrows(() => loose.blocks({ signal }), ArgumentError);
});
