// SPDX-License-Identifier: Apache-2.0
// C++ processes over iceoryx and Rust processes over iceoryx2 that hear each other through a relay. Both compute what each block has
// to contain from its sequence, so every byte of every block is checked.
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { BroadcastConfig, Relay, Runtime } from "../mod.ts";
import {
  newStream,
  type Published,
  type Received,
  resultOf,
  startPublisher,
  startSubscriber,
} from "./support/peers.ts";
import { startIox2Publisher, startIox2Subscriber, WINDOW } from "./support/peers_iox2.ts";
import type { Process } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

/** Full blocks, of which every byte differs, and blocks of ticks. */
const RUNS = [["full", 1_000_000], ["ticks", 50_000]] as const;
const TIMEOUT_MS = 600_000;
const LOSSLESS = new BroadcastConfig({ delivery: "lossless" });

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

/** How far a peer says that it has come. */
function progressOf(peer: Process): number {
  const line = peer.lines.at(-1);
  return line === undefined || !/^\d+$/.test(line) ? 0 : Number(line);
}

async function assertAllArrived(reader: Process, published: Published, relay: Relay, count: number): Promise<void> {
  const { checksum } = published;
  const all = {
    received: count,
    missed: 0,
    bad: 0,
    backwards: 0,
    first: 0,
    last: count - 1,
    publishers: 1,
    checksum,
  };
  assertEquals(await resultOf<Received>(reader, TIMEOUT_MS), all, reader.report());
  const [stats] = relay.getStats().streams;
  assertEquals([stats!.relayedBlocks, stats!.missedBlocks, stats!.refusedBlocks], [count, 0, 0]);
}

for (const [kind, count] of RUNS) {
  test(`Relay: C++ over iceoryx sends ${count} blocks of ${kind} to Rust over iceoryx2, every byte arrives`, async () => {
    using iceoryx = Runtime.open();
    using iceoryx2 = Runtime.open({ stack: "iceoryx2" });
    const stream = newStream();
    using relay = new Relay(iceoryx, iceoryx2, { streams: [stream], ways: "forth", read: LOSSLESS });
    await using reader = startIox2Subscriber(
      "Rust",
      stream,
      "--expect",
      "native",
      "--pattern",
      kind,
      "--count",
      `${count}`,
    );
    await reader.waitForLine("ready");
    await using writer = startPublisher(stream, "--count", `${count}`, "--pattern", kind, "--lossless");
    for (let sent = 0; sent < count;) {
      // iceoryx2 drops what a full buffer has no room for: the pace is that of the reader, and the writer waits for the relay.
      const room = Math.min(WINDOW, progressOf(reader) + WINDOW - sent);
      const moved = room > 0 ? relay.poll(room) : 0;
      sent += moved;
      if (moved === 0) assert(reader.exit === null, reader.report());
      await setImmediate();
    }
    await assertAllArrived(reader, await resultOf<Published>(writer, TIMEOUT_MS), relay, count);
  });

  test(`Relay: Rust over iceoryx2 sends ${count} blocks of ${kind} to C++ over iceoryx, every byte arrives`, async () => {
    using iceoryx = Runtime.open();
    using iceoryx2 = Runtime.open({ stack: "iceoryx2" });
    const stream = newStream();
    const write = LOSSLESS.with({ lane: "queue" });
    using relay = new Relay(iceoryx, iceoryx2, { streams: [stream], ways: "back", write });
    const args = ["--expect", "cpp", "--pattern", kind, "--last-sequence", `${count - 1}`, "--lossless"];
    await using reader = startSubscriber(stream, ...args);
    await reader.waitForLine("ready");
    await waitFor(() => iceoryx.streams().some((info) => info.stream === stream && info.subscribers > 0));
    await using writer = startIox2Publisher(
      "Rust",
      stream,
      "--count",
      `${count}`,
      "--pattern",
      kind,
      "--wait-subscribers",
      "1",
    );
    await writer.waitForLine("ready");
    writer.writeLine("0");
    for (let sent = 0; sent < count;) {
      const moved = relay.poll();
      sent += moved;
      if (moved > 0) writer.writeLine(`${sent}`);
      else assert(writer.exit === null || writer.exit.code === 0, writer.report());
      await setImmediate();
    }
    const published = await resultOf<Published>(writer, TIMEOUT_MS);
    while (reader.exit === null) {
      relay.poll();
      await setImmediate();
    }
    await assertAllArrived(reader, published, relay, count);
  });
}
