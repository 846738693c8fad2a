// SPDX-License-Identifier: Apache-2.0
// The relay as a script, with a C++ process over iceoryx on one side and a Rust process over iceoryx2 on the other: each of the three is
// killed and started anew, and so is the daemon. The others go on, and what arrives is right.
import { test } from "node:test";
import { assertEquals, assertGreater } from "@std/assert";
import { newStream, startPublisher, startSubscriber } from "./support/peers.ts";
import { startIox2Publisher, startIox2Subscriber } from "./support/peers_iox2.ts";
import { type Process, startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";

const RATE = 2000;
/** Blocks that have to arrive before the next thing happens. */
const SOME = 256;

/** How far a peer says that it has come. */
function progressOf(peer: Process): number {
  const line = peer.lines.at(-1);
  return line === undefined || !/^\d+$/.test(line) ? 0 : Number(line);
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

async function readSome(reader: Process): Promise<void> {
  const before = progressOf(reader);
  await waitFor(() => progressOf(reader) >= before + SOME, { what: "blocks to arrive", timeoutMs: 60_000 });
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
  let roudi = await RouDi.start();
  try {
    const stream = newStream();
    await using firstRelay = await startRelay(stream);
    await using firstReader = await startReader(stream);
    await using firstWriter = startWriter(stream, 0);
    await readSome(firstReader);

    // The writer: its successor is another broadcaster, on the other side as well.
    firstWriter.kill("SIGKILL");
    await firstWriter.exited();
    await using secondWriter = startWriter(stream, 1_000_000);
    await readSome(firstReader);

    // The reader: the next one hears the same broadcaster.
    const before = await endOf(firstReader);
    assertEquals([before.bad, before.backwards, before.publishers], [0, 0, 2], firstReader.report());
    await using secondReader = await startReader(stream);
    await readSome(secondReader);
    secondReader.kill("SIGKILL");
    await secondReader.exited();
    await using thirdReader = await startReader(stream);
    await readSome(thirdReader);

    // The relay: the next one goes on for the same reader and the same writer.
    firstRelay.kill("SIGKILL");
    await firstRelay.exited();
    await using secondRelay = await startRelay(stream);
    await readSome(thirdReader);

    // The daemon, under the relay: a writer that comes after it is heard, and nobody else was started anew.
    secondWriter.kill("SIGKILL");
    await secondWriter.exited();
    await roudi.kill();
    await roudi.stop();
    roudi = await RouDi.start();
    await using thirdWriter = startWriter(stream, 2_000_000);
    await readSome(thirdReader);
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
    await roudi.stop();
  }
});

test("Relay: Rust that is killed and started anew is heard in C++ as another broadcaster, whose blocks are whole", async () => {
  await using _roudi = await RouDi.start();
  const stream = newStream();
  await using relay = await startRelay(stream);
  const args = ["--expect", "cpp", "--pattern", "full", "--last-sequence", "2000000"];
  await using reader = startSubscriber(stream, ...args);
  await reader.waitForLine("ready");
  for (const first of [0, 1_000_000, 2_000_000]) {
    await using writer = startIox2Publisher(
      "Rust",
      stream,
      ...["--rate", `${RATE}`, "--first-sequence", `${first}`, "--pattern", "full", "--wait-subscribers", "1"],
    );
    await writer.waitForLine("ready");
    writer.writeLine(`${SOME}`);
    // What the relay has taken is what the next look of the reader shows; the last writer ends the reader.
    await waitFor(() => relay.exit === null && (first < 2_000_000 || reader.exit !== null || writer.exit !== null));
    if (first === 2_000_000) await reader.exited();
    writer.kill("SIGKILL");
    await writer.exited();
  }
  const { received, bad, backwards } = JSON.parse(reader.lines.at(-1)!);
  assertEquals([bad, backwards], [0, 0], reader.report());
  assertGreater(received, 0);
});
