// SPDX-License-Identifier: Apache-2.0
// A /dev/shm that is full, or nearly so: what is there goes on, what needs no memory of its own works, and everything else is one
// clear error that leaves nothing behind, neither files nor memory nor descriptors.
import { readdirSync, readlinkSync } from "node:fs";
import { afterEach, describe, test } from "node:test";
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  BroadcastConfig,
  DaemonStartError,
  DataBroadcaster,
  DataSubscriber,
  IpcError,
  MarketDataType,
  Runtime,
  SharedMemoryTooSmallError,
} from "../mod.ts";
import { ringBytes } from "../src/ring/layout.ts";
import { assertIpcError, assertMisuse, assertStillFlows, assertStillWorks } from "./support/misuse.ts";
import { sendAll } from "./ring/payload.ts";
import { ReaderPeer } from "./ring/peers.ts";
import { Process } from "./support/process.ts";
import { findRouDis, RouDi, stopAllRouDis } from "./support/roudi.ts";
import {
  FILLER,
  freeBytes,
  leaveFree,
  resetSharedMemory,
  resizeSharedMemory,
  sharedFiles,
} from "./support/shared_memory.ts";
import { waitFor } from "./support/wait.ts";

const PAGE = 4096;
const CAPACITY = 16;
/** A ring of 35 pages. */
const SMALL = new BroadcastConfig({ bufferDepth: CAPACITY, maxSubscribers: 8 });
const QUEUE = new BroadcastConfig({ lane: "queue" });
const SPAWN = { roudi: "spawn", poolMemoryMb: 64 } as const;

/** The files in shared memory that this process has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return ""; // the one of the folder that was just listed
    }
  }).filter((file) => file.startsWith("/dev/shm/")).sort();
}

/** What must be the same after a call that failed. */
function holdings(): unknown {
  return { files: sharedFiles(), free: freeBytes(), open: openFiles() };
}

afterEach(async () => {
  await stopAllRouDis();
  resetSharedMemory();
});

describe("full /dev/shm", () => {
  test("streams of both lanes go on, are joined by this process and by others, and new ones of the queue lane are made", async () => {
    await using _roudi = await RouDi.start({ blocks: 256 });
    using runtime = Runtime.open();
    using ring = new DataBroadcaster(SMALL, "ring", { runtime });
    using queue = new DataBroadcaster(QUEUE, "queue", { runtime });
    leaveFree(0);
    assertEquals(freeBytes(), 0);
    using ringFeed = new DataSubscriber(SMALL, "ring", { runtime });
    using queueFeed = new DataSubscriber(QUEUE, "queue", { runtime });
    for (const [out, feed] of [[ring, ringFeed], [queue, queueFeed]] as const) assertStillFlows(out, feed);
    assertStillWorks(runtime, { lane: "queue" });
    for (const [out, lane] of [[ring, "ring"], [queue, "queue"]] as const) {
      await using reader = await ReaderPeer.start(lane, { config: { lane } });
      assertEquals(sendAll(out, 10), 10);
      await reader.ask(`until ${out.nextSequence - 1}`);
      const { missedBlocks, faults } = await reader.finish();
      assertEquals([missedBlocks, faults], [0, []]);
    }
    assertEquals(freeBytes(), 0);
  });

  test("a ring is a SharedMemoryTooSmallError at every number of free pages below what it needs, and leaves nothing", async () => {
    await using _roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open();
    using out = new DataBroadcaster(SMALL, "before", { runtime });
    using feed = new DataSubscriber(SMALL, "before", { runtime });
    const pages = Math.ceil((ringBytes(CAPACITY) + PAGE + 1) / PAGE);
    assertGreater(pages, 32);
    for (let free = 0; free < pages; free++) {
      leaveFree(free * PAGE);
      const before = holdings();
      const error = assertMisuse(() => new DataBroadcaster(SMALL, "new", { runtime }), SharedMemoryTooSmallError, {
        value: free * PAGE,
        says: ["new", "/dev/shm", `${free * PAGE} bytes free`],
      });
      assertGreater(error.limit!, free * PAGE);
      assertEquals(holdings(), before);
    }
    assertEquals(runtime.streams().map(({ stream }) => stream), ["before"]);
    leaveFree((pages + 1) * PAGE);
    using _new = new DataBroadcaster(SMALL, "new", { runtime });
    assertStillFlows(out, feed);
  });

  test("a lossless ring goes on without a loss while /dev/shm is full and has room by turns", async () => {
    await using _roudi = await RouDi.start({ blocks: 64 });
    using runtime = Runtime.open();
    const config = new BroadcastConfig({ bufferDepth: CAPACITY, delivery: "lossless", lane: "ring" });
    using out = new DataBroadcaster(config, "steady", { runtime });
    using feed = new DataSubscriber(config, "steady", { runtime });
    for (let turn = 0; turn < 10; turn++) {
      leaveFree(turn % 2 === 0 ? 0 : 64 * PAGE);
      for (let value = 0; value < CAPACITY; value++) {
        assert(out.broadcast(Uint8Array.of(turn, value), 1, MarketDataType.Unknown));
      }
      for (let value = 0; value < CAPACITY; value++) assertEquals(feed.receive(), Uint8Array.of(turn, value));
    }
    assertEquals([feed.getReceiveStats().missedBlocks, feed.getReceiveStats().receivedBlocks], [0, 10 * CAPACITY]);
  });
});

describe('roudi: "spawn" in a /dev/shm that is nearly full', () => {
  test("is a SharedMemoryTooSmallError, from no free page to one too few, and leaves nothing", async () => {
    leaveFree(0);
    const { limit } = assertMisuse(() => Runtime.open(SPAWN), SharedMemoryTooSmallError, { value: 0 });
    for (const free of [0, PAGE, limit! / 2, limit! - PAGE].map((bytes) => Math.floor(bytes / PAGE) * PAGE)) {
      leaveFree(free);
      const before = holdings();
      assertMisuse(() => Runtime.open(SPAWN), SharedMemoryTooSmallError, { value: free, limit: limit! });
      assertEquals(holdings(), before);
    }
    assertEquals(findRouDis(), []);
    leaveFree(limit! + PAGE);
    const runtime = Runtime.open(SPAWN);
    assertStillWorks(runtime, { lane: "queue" });
    runtime.close();
    await waitFor(() => findRouDis().length === 0 && sharedFiles().length === 0, { what: "RouDi to go" });
  });

  test("is one error when the memory goes while RouDi takes it, and the next attempt works", async () => {
    // Stopped when it has just begun, RouDi goes on in a /dev/shm that has too little by then.
    await using thief = new Process([
      ...["sh", "-c"],
      `until [ -e /dev/shm/iceoryx_mgmt ]; do :; done
       roudi=$(pidof iox-roudi); kill -STOP $roudi
       fallocate -l $(($(stat -f -c %a /dev/shm) * $(stat -f -c %S /dev/shm) - 4096)) ${FILLER}
       kill -CONT $roudi; echo taken`,
    ]);
    resizeSharedMemory("256m");
    const before = sharedFiles();
    let error: unknown;
    try {
      using _runtime = Runtime.open(SPAWN);
    } catch (thrown) {
      error = thrown;
    }
    assertEquals(await thief.nextLine(), "taken");
    assert(error instanceof IpcError, `${error}`);
    assertIpcError(error, DaemonStartError, { says: ["RouDi"] });
    await waitFor(() => findRouDis().length === 0, { what: "RouDi to end" });
    assertEquals(sharedFiles(), before);
    resetSharedMemory();
    using runtime = Runtime.open(SPAWN);
    assertStillWorks(runtime);
  });
});
