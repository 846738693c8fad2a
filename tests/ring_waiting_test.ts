// SPDX-License-Identifier: Apache-2.0
// Waiting at rings, between processes: who is parked is woken by the one who writes or reads, once, and nobody else costs anything.
// A word in the reader table tells whether anybody is parked and counts the times that those who were have been woken.
import { after, before, test } from "node:test";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Runtime } from "../mod.ts";
import { epochOf } from "./ring/epoch.ts";
import { parkingOf, ReaderPeer, WriterPeer } from "./ring/peers.ts";
import { sendAll } from "./ring/payload.ts";
import { startScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";
import { waitFor } from "./support/wait.ts";
import { STRATEGIES, turn } from "./waiting/tools.ts";

const ROUNDS = 200;
const CROWD = 1000;
const CROWD_ROUNDS = 10;
const LONG_MS = 30_000;
const LOSSLESS = { lane: "ring", delivery: "lossless", bufferDepth: 16, readerTimeoutMs: 60_000 } as const;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

let streams = 0;
const newStream = (): string => `waiting_${++streams}`;

/** Looks without pause until somebody is parked: this thread has nothing else to do. */
function awaitParked(epoch: string, word: "data" | "room"): void {
  const deadline = performance.now() + LONG_MS;
  while (!parkingOf(epoch, word).isParked) assert(performance.now() < deadline, `nobody parks at the ${word} word`);
}

for (const wait of STRATEGIES) {
  for (const way of ["waitSync", "for await"]) {
    const parks = wait === "park" || wait === "backoff";
    test(`${way} with ${wait} is woken ${parks ? "once" : "never, and gets"} for every block of another process`, async () => {
      using runtime = Runtime.open();
      const stream = newStream();
      const config = new BroadcastConfig({ lane: "ring", wait });
      using out = new DataBroadcaster(config, stream, { runtime });
      using feed = new DataSubscriber(config, `${stream}_back`, { runtime });
      await using echo = startScript("tests/ring/echo.ts", [stream, wait, way]);
      await echo.waitForLine("ready");
      const epoch = epochOf(out);
      for (let round = 0; round < ROUNDS; round++) {
        if (parks) awaitParked(epoch, "data");
        assert(out.broadcast(Uint8Array.of(round), 1, MarketDataType.Unknown));
        assert(feed.waitSync(LONG_MS), echo.report());
        assertEquals(feed.receive(), Uint8Array.of(round));
      }
      const { wakes, isParked } = parkingOf(epoch, "data");
      assertEquals(wakes, parks ? ROUNDS : 0);
      if (!parks) assertEquals(isParked, false);
      out.broadcast(new Uint8Array(0), 0, MarketDataType.Unknown);
      assertEquals(await echo.exited(), { code: 0, signal: null }, echo.report());
      assertEquals(feed.getReceiveStats().missedBlocks, 0);
    });
  }
}

for (const wait of ["park", "backoff"] as const) {
  test(`DataBroadcaster.broadcast wakes ${CROWD} subscribers of a process that are parked with ${wait} at once`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(new BroadcastConfig(), stream, { runtime });
    await using crowd = startScript("tests/ring/crowd.ts", [stream, String(CROWD), wait]);
    await crowd.waitForLine("ready");
    for (let round = 1; round <= CROWD_ROUNDS; round++) {
      await waitFor(() => parkingOf(epochOf(out), "data").isParked);
      out.broadcast(Uint8Array.of(round), 1, MarketDataType.Unknown);
      await crowd.waitForLine(`got ${round}`);
    }
    await waitFor(() => parkingOf(epochOf(out), "data").isParked);
    assertEquals(parkingOf(epochOf(out), "data").wakes, CROWD_ROUNDS);
    assertEquals(out.getSubscriberCount(), 1);
    crowd.closeInput();
    const { wakes, parks } = JSON.parse(await crowd.nextLine());
    assertEquals([wakes, parks], [CROWD_ROUNDS, CROWD_ROUNDS + 1]);
    assertEquals(await crowd.exited(), { code: 0, signal: null }, crowd.report());
  });
}

test("DataBroadcaster.broadcast calls nothing that could be a system call while nobody is parked, and one function more when somebody is", async () => {
  const blocks = 50_000;
  using runtime = Runtime.open();
  const stream = newStream();
  await using writer = startScript("tests/ring/silent_writer.ts", [stream, String(blocks)]);
  const epoch = await writer.nextLine();
  const ask = async (): Promise<unknown> => {
    writer.writeLine("send");
    return JSON.parse(await writer.nextLine());
  };
  const plain = { qipc_clock_since_ns: blocks };
  assertEquals(await ask(), plain);
  using feed = new DataSubscriber(new BroadcastConfig({ lane: "ring", wait: "spin" }), stream, { runtime });
  writer.writeLine("send");
  let got = 0;
  while (got + feed.getReceiveStats().missedBlocks < blocks) {
    feed.waitSync(1);
    got += feed.poll(() => {});
    await turn();
    assertEquals(parkingOf(epoch, "data"), { isParked: false, wakes: 0 });
  }
  assertEquals(JSON.parse(await writer.nextLine()), plain);
  await using reader = await ReaderPeer.start(stream, { config: { wait: "park" }, way: "for await" });
  await waitFor(() => parkingOf(epoch, "data").isParked);
  await reader.kill();
  // One who was killed while parked cannot take its flag down: one needless wake-up, and no more.
  assertEquals(await ask(), { ...plain, qipc_ring_wake: 1 });
  assertEquals(await ask(), plain);
  assertEquals(parkingOf(epoch, "data"), { isParked: false, wakes: 1 });
});

for (const wait of ["park", "backoff"] as const) {
  test(`for await with ${wait} uses no CPU at a ring whose broadcaster is idle`, async () => {
    using runtime = Runtime.open();
    const stream = newStream();
    using out = new DataBroadcaster(new BroadcastConfig(), stream, { runtime });
    await using script = startScript("tests/waiting/idle_cpu.ts", ["ring", stream, wait]);
    const { parked, plain } = JSON.parse(await script.nextLine());
    // One that looks all the time uses a whole CPU.
    assertLess(parked, plain + 0.1, script.report());
    assertEquals(parkingOf(epochOf(out), "data"), { isParked: true, wakes: 0 });
    out.broadcast(new Uint8Array(8), 1, MarketDataType.Unknown);
    assertEquals(await script.nextLine(), "got 0");
    script.closeInput();
    assertEquals((await script.exited()).code, 0, script.report());
  });
}

test("waitForRoom parks, and is woken by a reader of another process", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using out = new DataBroadcaster(new BroadcastConfig(LOSSLESS), stream, { runtime });
  await using reader = await ReaderPeer.start(stream, { config: LOSSLESS });
  const epoch = epochOf(out);
  for (let round = 0; round < 20; round++) {
    await reader.ask("pause");
    sendAll(out);
    const { wakes } = parkingOf(epoch, "room");
    const room = out.waitForRoom(LONG_MS);
    await waitFor(() => parkingOf(epoch, "room").isParked);
    await reader.ask("go");
    assertEquals(await room, true);
    assertGreater(parkingOf(epoch, "room").wakes, wakes);
  }
  const { faults, missedBlocks } = await reader.finish();
  assertEquals([faults, missedBlocks, out.getStats().droppedReaders], [[], 0, 0]);
});

test("waitForRoomSync parks, and is woken by a reader of another process, once for each time that it parked", async () => {
  using runtime = Runtime.open();
  const stream = newStream();
  using feed = new DataSubscriber(new BroadcastConfig(LOSSLESS), stream, { runtime });
  await using writer = await WriterPeer.start(stream, { config: LOSSLESS });
  assertEquals(feed.state, "live");
  writer.process.writeLine(`send ${LOSSLESS.bufferDepth + ROUNDS}`);
  await waitFor(() => parkingOf(writer.epoch, "room").isParked);
  for (let round = 0; round < ROUNDS; round++) {
    awaitParked(writer.epoch, "room");
    assertEquals(feed.poll(() => {}, 1), 1);
    assertEquals(parkingOf(writer.epoch, "room").wakes, round + 1);
  }
  assertEquals(JSON.parse(await writer.process.nextLine()).next, LOSSLESS.bufferDepth + ROUNDS);
  assertEquals(feed.poll(() => {}), LOSSLESS.bufferDepth);
  assertEquals(feed.getReceiveStats().missedBlocks, 0);
  await writer.end();
});
