// SPDX-License-Identifier: Apache-2.0
// The relay as a script, with a C++ process over iceoryx on one side and a Rust process over iceoryx2 on the other: each of the three is
// killed and started anew, and so is the daemon. The others go on, and what arrives is right.
import { test } from "node:test";
import { assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { BroadcastConfig, Relay, type RelayStreamStats, Runtime } from "../mod.ts";
import { killAsleep } from "./support/kill_asleep.ts";
import { newStream, startPublisher, startSubscriber } from "./support/peers.ts";
import { startIox2Publisher, startIox2Subscriber } from "./support/peers_iox2.ts";
import { type Process, startScript } from "./support/process.ts";
import { findRouDis, RouDi, stopAllRouDis } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const RATE = 2000;
/** Blocks that have to arrive before the next thing happens: more than wait on the way, which a queue on each side bounds. */
const SOME = 600;

/** How far a peer says that it has come. */
function progressOf(peer: Process): number {
  const line = peer.lines.at(-1);
  return line === undefined || !/^\d+$/.test(line) ? 0 : Number(line);
}

/** What killed processes leave of iceoryx2 is removed by the next runtime. */
function cleanIox2(): void {
  Runtime.open({ stack: "iceoryx2" }).close();
}

async function startRelay(stream: string): Promise<Process> {
  const relay = startScript("examples/relay.ts", ["iceoryx", "iceoryx2", "both", "backoff", stream]);
  await relay.waitForLine(/^relaying/);
  return relay;
}

function startWriter(stream: string, first: number): Process {
  return startPublisher(stream, "--rate", `${RATE}`, "--first-sequence", `${first}`, "--pattern", "full");
}

async function startReader(stream: string): Promise<Process> {
  const reader = startIox2Subscriber("Rust", stream, "--expect", "native", "--pattern", "full");
  await reader.waitForLine("ready");
  return reader;
}

/** Waits until a reader has got further; if it does not, the relay is ended to say what it did. */
async function readSome(reader: Process, relay: Process): Promise<void> {
  const before = progressOf(reader);
  try {
    await waitFor(() => progressOf(reader) >= before + SOME, { what: "blocks to arrive" });
  } catch (cause) {
    relay.kill("SIGTERM");
    await relay.exited();
    throw new Error(`${reader.report()}\n${relay.report()}`, { cause });
  }
}

/** Ends a reader in the way of its own, and returns what it says. */
async function endOf(
  reader: Process,
): Promise<{ received: number; bad: number; backwards: number; publishers: number }> {
  reader.kill("SIGTERM");
  const exit = await reader.exited();
  assertEquals(exit.code, 0, reader.report());
  return JSON.parse(reader.lines.at(-1)!);
}

test("Relay: its source, its target, itself and the daemon are killed and come back, and what arrives is whole and in order", async () => {
  const roudi = await RouDi.start();
  try {
    const stream = newStream();
    await using firstRelay = await startRelay(stream);
    await using firstReader = await startReader(stream);
    await using firstWriter = startWriter(stream, 0);
    await readSome(firstReader, firstRelay);

    // The writer: its successor is another broadcaster, on the other side as well.
    await killAsleep(firstWriter);
    await using secondWriter = startWriter(stream, 1_000_000);
    await readSome(firstReader, firstRelay);

    // The reader: the next one hears the same broadcaster.
    const before = await endOf(firstReader);
    assertEquals([before.bad, before.backwards, before.publishers], [0, 0, 2], firstReader.report());
    await using secondReader = await startReader(stream);
    await readSome(secondReader, firstRelay);
    secondReader.kill("SIGKILL");
    await secondReader.exited();
    await using thirdReader = await startReader(stream);
    await readSome(thirdReader, firstRelay);

    // The relay: the next one goes on for the same reader and the same writer.
    await killAsleep(firstRelay);
    await using secondRelay = await startRelay(stream);
    await readSome(thirdReader, secondRelay);

    // The daemon, under the relay, which starts another: a writer that comes then is heard, and nobody else was started anew.
    await killAsleep(secondWriter);
    await roudi.kill();
    await waitFor(() => findRouDis().some((pid) => pid !== roudi.pid));
    await using thirdWriter = startWriter(stream, 2_000_000);
    await readSome(thirdReader, secondRelay);
    const after = await endOf(thirdReader);
    assertEquals([after.bad, after.backwards], [0, 0], thirdReader.report());
    assertGreater(after.received, 3 * SOME);
    assertEquals([thirdWriter.exit, secondRelay.exit], [null, null]);
    secondRelay.kill("SIGTERM");
    assertEquals((await secondRelay.exited()).code, 0, secondRelay.report());
    const { streams, failures } = JSON.parse(secondRelay.lines.at(-1)!);
    assertEquals(failures, 0);
    assertEquals(streams.map(({ way }: { way: string }) => way), ["forth", "back"]);
    assertEquals(streams[0].refusedBlocks, 0);
  } finally {
    await stopAllRouDis();
    cleanIox2();
  }
});

test("Relay: Rust that is killed and started anew is heard in C++ as another broadcaster, and no block of it is missed", async () => {
  await using _roudi = await RouDi.start();
  using iceoryx = Runtime.open();
  using iceoryx2 = Runtime.open({ stack: "iceoryx2" });
  const stream = newStream();
  using relay = new Relay(iceoryx, iceoryx2, {
    streams: [stream],
    write: new BroadcastConfig({ delivery: "lossless", lane: "queue" }),
    ways: "back",
    lookIntervalMs: 10,
  });
  const running = relay.run();
  const firsts = [0, 1_000_000, 2_000_000];
  const each = 256;
  const args = [
    "--expect",
    "cpp",
    "--pattern",
    "full",
    "--lossless",
    "--last-sequence",
    `${firsts.at(-1)! + each - 1}`,
  ];
  await using reader = startSubscriber(stream, ...args);
  await reader.waitForLine("ready");
  const back = (): RelayStreamStats => relay.getStats().streams.find(({ way }) => way === "back")!;
  for (const [index, first] of firsts.entries()) {
    const args = ["--count", `${each}`, "--hold-ms", "60000", "--first-sequence", `${first}`, "--pattern", "full"];
    await using writer = startIox2Publisher("Rust", stream, "--rate", `${RATE}`, "--wait-subscribers", "1", ...args);
    await writer.waitForLine("ready");
    writer.writeLine("0");
    await waitFor(() => back().relayedBlocks === (index + 1) * each, { what: "its blocks", timeoutMs: 60_000 });
    writer.kill("SIGKILL");
    await writer.exited();
  }
  assertEquals((await reader.exited()).code, 0, reader.report());
  const { received, missed, bad, backwards, publishers } = JSON.parse(reader.lines.at(-1)!);
  assertEquals([missed, bad, backwards, publishers], [0, 0, 0, firsts.length], reader.report());
  // A port that RouDi has not connected yet reaches nobody, so the first ones of a writer that comes at once may not be there.
  assertLessOrEqual(received, firsts.length * each);
  relay.close();
  await running;
});
