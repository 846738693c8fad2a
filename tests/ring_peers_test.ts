// SPDX-License-Identifier: Apache-2.0
// C++ processes that read and write rings by ring.h alone: what they write is received here, and what is broadcast here they read.
// Both sides compute what each block has to contain from its sequence, so every byte of every block is checked.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime, Tick } from "../mod.ts";
import { broadcastToPeer, EXCHANGES, type ReadReport, receiveFromPeer } from "./ring_peers/exchange.ts";
import { PatternMemory } from "./support/fast_pattern.ts";
import { checkPattern, fillPattern, patternChecksum, patternRecordCount, patternTick } from "./support/pattern.ts";
import { broadcastPattern, newStream, resultOf, startPublisher } from "./support/peers.ts";
import { startProgram } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const COUNT = 200_000;
const LOSSLESS = new BroadcastConfig({ delivery: "lossless" });

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

test("the pattern that is compared word by word is the one that is stated", () => {
  const memory = new PatternMemory();
  for (const kind of ["ticks", "full"] as const) {
    for (const sequence of [0, 1, 112, 113, 9999, 10_000, 4_294_967, 2 ** 31 - 1, 2 ** 32 + 7, 10_000_000_000]) {
      const [fast, plain] = [new Uint8Array(8160).fill(0xee), new Uint8Array(8160).fill(0xee)];
      const length = fillPattern(kind, sequence, plain);
      assertEquals(memory.fill(kind, sequence, fast), length);
      assertEquals(fast, plain);
      const used = fast.subarray(0, length);
      assertEquals([checkPattern(kind, sequence, used), memory.holds(kind, sequence, used)], ["", true]);
      assertEquals(memory.checksum(fast, length), patternChecksum(plain, length));
      assertEquals([memory.holds(kind, sequence + 1, used), memory.holds(kind, sequence, fast)], [
        false,
        length === 8160,
      ]);
      // Each byte counts.
      for (let at = 0; at < Math.min(length, 144); at++) {
        used[at]! ^= 0x10;
        assertEquals(memory.holds(kind, sequence, used), false, `byte ${at} of ${kind} ${sequence}`);
        used[at]! ^= 0x10;
      }
    }
  }
});

for (const exchange of EXCHANGES) {
  const { kind, delivery, read } = exchange;
  const all = delivery === "lossless" ? "every byte of every block arrives" : "each block arrives whole or is counted";

  test(`C++ writes ${COUNT} ${delivery} blocks of ${kind}, read ${read}: ${all}`, async () => {
    using runtime = Runtime.open();
    await receiveFromPeer(runtime, exchange, COUNT);
  });

  test(`C++ reads ${COUNT} ${delivery} blocks of ${kind}, ${read}: ${all}`, async () => {
    using runtime = Runtime.open();
    await broadcastToPeer(runtime, exchange, COUNT);
  });
}

for (const kind of ["ticks", "full"] as const) {
  test(`C++ writes blocks of ${kind} whose headers end where QAULTRA C++ ends them`, async () => {
    using runtime = Runtime.open();
    await receiveFromPeer(runtime, { kind, delivery: "lossless", read: "stable", plain: true }, 20_000);
  });
}

test("C++ reads what a record writer writes, with its schema id, and what was written into loans", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(LOSSLESS.with({ flushAfterMs: 60_000 }), stream, { runtime });
  const count = 113 * 10;
  const args = ["--stream", stream, "--last-sequence", `${count - 1}`];
  await using peer = startProgram("build/bin/peer_ring_reader", [...args, "--schema-id", `${Tick.id}`]);
  await using raw = startProgram("build/bin/peer_ring_reader", ["--stream", stream, "--raw"]);
  await waitFor(() => out.getSubscriberCount() === 2);
  const ticks = out.writer(Tick);
  for (let sequence = 0; sequence < count; sequence++) {
    for (let index = 0; index < patternRecordCount("ticks", sequence); index++) {
      while (!ticks.write(patternTick(sequence, index))) assert(out.waitForRoomSync(30_000));
    }
    while (!ticks.flush()) assert(out.waitForRoomSync(30_000));
  }
  const typed = await resultOf<ReadReport>(peer);
  assertEquals([typed.received, typed.missed, typed.bad], [count, 0, 0], peer.report());
  let sum = typed.checksum;
  for (let sequence = count; sequence < 2 * count; sequence++) {
    let loan = out.loan();
    for (; loan === null; loan = out.loan()) assert(out.waitForRoomSync(30_000));
    const length = fillPattern("ticks", sequence, loan.data);
    sum = (sum + patternChecksum(loan.data, length)) >>> 0;
    loan.publish(length, patternRecordCount("ticks", sequence), 0);
  }
  out.close();
  const all = await resultOf<ReadReport>(raw);
  assertEquals([all.received, all.missed, all.last, all.checksum], [2 * count, 0, 2 * count - 1, sum], raw.report());
});

test("rings of C++ and of this module on one stream are merged, here and in C++", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  const count = 20_000;
  using out = new DataBroadcaster(LOSSLESS, stream, { runtime });
  using feed = new DataSubscriber(LOSSLESS, stream, { runtime });
  await using reader = startProgram("build/bin/peer_ring_reader", ["--stream", stream, "--raw"]);
  await waitFor(() => out.getSubscriberCount() === 2);
  await using writer = startProgram("build/bin/peer_ring_writer", [
    ...["--stream", stream, "--count", `${count}`, "--lossless", "--wait-readers", "2", "--capacity", "32768"],
  ]);
  const next = new Map<bigint, number>();
  for (let handled = 0; handled < 2 * count;) {
    if (out.nextSequence < count) {
      const data = new Uint8Array(8160);
      const length = fillPattern("ticks", out.nextSequence, data);
      out.broadcast(data.subarray(0, length), patternRecordCount("ticks", out.nextSequence), 0);
    }
    handled += feed.poll((block) => {
      const { epoch, sequence } = block;
      assertEquals([sequence, checkPattern("ticks", sequence, block.data)], [next.get(epoch) ?? 0, ""]);
      next.set(epoch, sequence + 1);
    });
    // The writer's wait for its readers ends in their own time.
    if (handled % 1000 === 0) await Promise.resolve();
  }
  assertEquals([...next.values()], [count, count]);
  assertEquals([feed.getReceiveStats().missedBlocks, feed.getReceiveStats().broadcasters], [0, 2]);
  out.close();
  assertEquals((await writer.exited()).code, 0, writer.report());
  const { received, missed, rings } = await resultOf<ReadReport>(reader);
  assertEquals([received, missed, rings], [2 * count, 0, 2], reader.report());
});

test("C++ on the queue lane, C++ on the ring and a reader here follow one broadcaster at once", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(LOSSLESS, stream, { runtime });
  using feed = new DataSubscriber(LOSSLESS, stream, { runtime });
  await using queued = startProgram("build/bin/peer_subscriber", [
    ...["--stream", stream, "--last-sequence", "29999", "--record-size", "72", "--lossless"],
  ]);
  await using reader = startProgram("build/bin/peer_ring_reader", ["--stream", stream, "--last-sequence", "29999"]);
  await waitFor(() => out.getSubscriberCount() === 3);
  let next = 0;
  while (next < 30_000) {
    if (out.nextSequence < 30_000) broadcastSome(out, 10);
    feed.poll((block) => {
      assertEquals([block.sequence, checkPattern("ticks", block.sequence, block.data)], [next, ""]);
      next++;
    });
  }
  const ring = await resultOf<ReadReport>(reader);
  assertEquals([ring.received, ring.missed, ring.bad], [30_000, 0, 0], reader.report());
  // It is served within a moment after it has come, and misses nothing from its first block on.
  const { received, missed, bad, first } = await resultOf<ReadReport>(queued);
  assertEquals([received, missed, bad], [30_000 - first, 0, 0], queued.report());
  assertGreater(received, 0);
});

test("a subscriber here moves from a C++ publisher of the queue lane to a C++ ring, and back when that has ended", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using feed = new DataSubscriber(new BroadcastConfig(), stream, { runtime });
  const got = new Map<bigint, number[]>();
  const poll = (): void => {
    feed.poll(({ epoch, sequence }) => {
      if (!got.has(epoch)) got.set(epoch, []);
      got.get(epoch)!.push(sequence);
    });
  };
  await using publisher = startPublisher(stream, "--rate", "2000");
  await waitFor(() => (poll(), got.size === 1));
  const [queued] = got.values();
  await using writer = startProgram("build/bin/peer_ring_writer", [
    ...["--stream", stream, "--count", "1000", "--rate", "5000", "--capacity", "1024", "--wait-readers", "1"],
  ]);
  const epoch = BigInt(`0x${(await writer.waitForLine("epoch")).split(" ")[1]}`);
  await waitFor(() => (poll(), got.get(epoch)?.at(-1) === 999), { what: "the whole ring" });
  const before = queued!.length;
  await waitFor(() => (poll(), queued!.length > before + 100), { what: "the publisher again" });
  publisher.kill("SIGTERM");
  assertEquals((await publisher.exited()).code, 0, publisher.report());
  assertEquals(got.get(epoch), Array.from({ length: 1000 }, (_, index) => index));
  // In one run before the ring and in one after it: in between it was not listened to. Other holes are counted.
  const jumps = queued!.filter((sequence, index) => index > 0 && sequence !== queued![index - 1]! + 1);
  assertEquals(queued!.toSorted((a, b) => a - b), queued!);
  assertEquals(jumps.length, 1 + feed.getReceiveStats().gaps);
});

/** Broadcasts some blocks of ticks, as far as there is room. */
function broadcastSome(out: DataBroadcaster, count: number): void {
  for (let sent = 0; sent < count && out.waitForRoomSync(0); sent++) broadcastPattern(out, "ticks", 1);
}
