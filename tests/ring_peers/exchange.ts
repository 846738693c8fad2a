// SPDX-License-Identifier: Apache-2.0
// exchange.ts <count>
//
// Blocks between this module and C++ programs that know rings by ring.h alone (tests/peers/ring_writer.cpp, ring_reader.cpp), every
// field and every byte of them checked. As a script it runs every exchange with so many blocks, on a RouDi of its own, and prints
// a line for each; tests/ring_peers_test.ts runs them with fewer:
//
//   sh tests/support/namespace.sh deno run --allow-all tests/ring_peers/exchange.ts 10000000
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import {
  type Block,
  BLOCK_DATA_SIZE,
  BLOCK_HEADER_SIZE,
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  type Delivery,
  type ReadMode,
  type ReceiveStats,
  Runtime,
} from "../../mod.ts";
import { PatternMemory } from "../support/fast_pattern.ts";
import {
  patternDataType,
  type PatternKind,
  patternLength,
  patternRecordCount,
  patternRecordSize,
  patternTimestampNs,
} from "../support/pattern.ts";
import { newStream, resultOf } from "../support/peers.ts";
import { type Process, startProgram } from "../support/process.ts";
import { RouDi } from "../support/roudi.ts";
import { delay, waitFor } from "../support/wait.ts";

/** How blocks go from one side to the other. */
export interface Exchange {
  readonly kind: PatternKind;
  readonly delivery: Delivery;
  readonly read: ReadMode;
  /** From C++: header bytes 25 to 31 are left zero, as QAULTRA C++ leaves them. */
  readonly plain?: boolean;
  /** Whether each block has a checksum, which the other side verifies. */
  readonly checksum?: boolean;
}

/** Every combination that differs. On a lossless ring both read modes are in place. */
export const EXCHANGES: readonly Exchange[] = [
  { kind: "ticks", delivery: "lossless", read: "stable" },
  { kind: "full", delivery: "lossless", read: "stable" },
  { kind: "ticks", delivery: "lossy", read: "stable" },
  { kind: "full", delivery: "lossy", read: "in-place" },
];

/** What a peer that writes a ring prints at its end. */
interface Written {
  readonly published: number;
  readonly refused: number;
  readonly first: number;
  readonly last: number;
  readonly dropped: number;
  readonly checksum: number;
}

/** What a peer that reads rings prints at its end. */
export interface ReadReport {
  readonly received: number;
  readonly missed: number;
  readonly gaps: number;
  readonly torn: number;
  readonly corrupt: number;
  readonly dropped: number;
  readonly bad: number;
  readonly first: number;
  readonly last: number;
  readonly rings: number;
  readonly checksum: number;
}

/** Long enough for ten million checked blocks on a busy machine. */
const TIMEOUT_MS = 600_000;
/** Blocks between two turns of the event loop, in which the peer's output and end are seen. */
const BLOCKS_PER_TURN = 20_000;
const configOf = ({ delivery, read, checksum = false }: Exchange): BroadcastConfig =>
  new BroadcastConfig({ delivery, read, checksum, queueLane: "off" });

/** What differs in a block that the C++ writer sent; an empty string when nothing does. */
function faultOf(block: Block, exchange: Exchange, memory: PatternMemory, epoch: bigint): string {
  const { kind, plain = false } = exchange;
  const { sequence, data } = block;
  const used = plain ? data.subarray(0, patternLength(kind, sequence)) : data;
  if (plain && data.byteLength !== BLOCK_DATA_SIZE) return `has ${data.byteLength} data bytes`;
  if (block.epoch !== epoch) return `is of epoch ${block.epoch}`;
  if (block.recordCount !== patternRecordCount(kind, sequence)) return `has ${block.recordCount} records`;
  if (block.dataType !== patternDataType(kind, sequence)) return `has type ${block.dataType}`;
  if (block.timestampNs !== patternTimestampNs(sequence)) return `is of ${block.timestampNs}`;
  if (block.recordSize !== (plain ? 0 : patternRecordSize(kind))) return `has records of ${block.recordSize}`;
  if (block.schemaId !== 0 || block.sourceSequence !== sequence) return "has a schema, or came from elsewhere";
  if (plain) {
    const header = new Uint8Array(data.buffer, data.byteOffset - BLOCK_HEADER_SIZE, BLOCK_HEADER_SIZE);
    for (let at = 25; at < BLOCK_HEADER_SIZE; at++) if (header[at] !== 0) return `has header byte ${header[at]}`;
  }
  return memory.holds(kind, sequence, used) ? "" : "has other data";
}

/**
 * Reads what a C++ program writes into a ring, and checks it.
 *
 * @param count Blocks, the last of which is received at any rate.
 * @returns What this side counted.
 */
export async function receiveFromPeer(runtime: Runtime, exchange: Exchange, count: number): Promise<ReceiveStats> {
  const { kind, delivery, plain = false } = exchange;
  const stream = newStream();
  using feed = new DataSubscriber(configOf(exchange), stream, { runtime, lane: "ring" });
  await using peer: Process = startProgram("build/bin/peer_ring_writer", [
    ...["--stream", stream, "--count", `${count}`, "--pattern", kind, "--wait-readers", "2"],
    ...(delivery === "lossless" ? ["--lossless"] : []),
    ...(plain ? ["--plain"] : []),
    ...(exchange.checksum ? ["--seal"] : []),
  ]);
  const epoch = BigInt(`0x${(await peer.waitForLine("epoch")).split(" ")[1]}`);
  await waitFor(() => feed.state === "live", { what: "the peer's ring" });
  // It begins when it counts two. A reader that was still joining could find that the writer has gone once round, and would
  // have to leave the first block to it.
  using _starter = new DataSubscriber(configOf(exchange), stream, { runtime, lane: "ring", observe: true });
  const memory = new PatternMemory();
  let next = 0;
  let received = 0;
  let holes = 0;
  let torn = 0;
  let checksum = 0;
  const handler = (block: Block): void => {
    const { sequence } = block;
    const fault = faultOf(block, exchange, memory, epoch);
    const sum = memory.checksum(block.data, patternLength(kind, sequence));
    // What changed while it was read was not received, and may look like anything.
    if (!block.intact) {
      torn++;
      return;
    }
    if (fault !== "") throw new Error(`Block ${sequence} ${fault}`);
    if (sequence < next) throw new Error(`Block ${sequence} came when ${next} was expected`);
    if (sequence > next) holes++;
    next = sequence + 1;
    received++;
    checksum = (checksum + sum) >>> 0;
  };
  let turnAt = 0;
  while (next < count) {
    assert(feed.waitSync(30_000), `block ${next} does not come: ${peer.report()}`);
    feed.poll(handler);
    if (received < turnAt) continue;
    turnAt = received + BLOCKS_PER_TURN;
    await delay(0);
  }
  const written = await resultOf<Written>(peer, TIMEOUT_MS);
  const { published, first, last, dropped } = written;
  assertEquals([published, first, last, dropped], [count, 0, count - 1, 0], peer.report());
  await waitFor(() => feed.state === "ended");
  assertEquals(feed.receive(), null);
  const stats = feed.getReceiveStats();
  assertEquals(stats.receivedBlocks + stats.missedBlocks, count);
  assertEquals([stats.droppedByWriter, stats.broadcasters], [0, 1]);
  if (exchange.read === "in-place" && delivery === "lossy") {
    // Some that were still intact when the handler asked had changed when it returned.
    assert(stats.tornBlocks >= torn);
    assertEquals(stats.receivedBlocks + stats.tornBlocks, received + torn);
  } else {
    assertEquals([stats.receivedBlocks, stats.gaps, stats.tornBlocks], [received, holes, 0]);
  }
  if (delivery === "lossless") assertEquals([received, holes, checksum], [count, 0, written.checksum]);
  return stats;
}

/**
 * Broadcasts what a C++ program reads from the ring and checks.
 *
 * @param count Blocks.
 * @returns What the program says.
 */
export async function broadcastToPeer(runtime: Runtime, exchange: Exchange, count: number): Promise<ReadReport> {
  const { kind, delivery, read } = exchange;
  const stream = newStream();
  using out = new DataBroadcaster(configOf(exchange), stream, { runtime });
  await using peer: Process = startProgram("build/bin/peer_ring_reader", [
    ...["--stream", stream, "--last-sequence", `${count - 1}`, "--pattern", kind, "--expect", "ours"],
    ...(read === "in-place" ? ["--in-place"] : []),
    ...(exchange.checksum ? ["--sealed"] : []),
  ]);
  await waitFor(() => out.getSubscriberCount() === 1, { what: "the reader to join" });
  const memory = new PatternMemory();
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  let checksum = 0;
  for (let sequence = 0; sequence < count; sequence++) {
    const length = memory.fill(kind, sequence, data);
    checksum = (checksum + memory.checksum(data, length)) >>> 0;
    const used = length === BLOCK_DATA_SIZE ? data : data.subarray(0, length);
    while (!out.broadcast(used, patternRecordCount(kind, sequence), patternDataType(kind, sequence))) {
      assert(out.waitForRoomSync(30_000), "the peer does not read");
    }
  }
  const report = await resultOf<ReadReport>(peer, TIMEOUT_MS);
  const { received, missed, bad, first, last, rings, dropped } = report;
  assertEquals([bad, dropped, last, rings], [0, 0, count - 1, 1], peer.report());
  assertEquals(received + missed, count, peer.report());
  if (delivery === "lossless") {
    assertEquals([received, first, report.checksum], [count, 0, checksum], peer.report());
    assertEquals([report.gaps, report.torn], [0, 0], peer.report());
  }
  const { sentBlocks, droppedReaders, errors } = out.getStats();
  assertEquals([sentBlocks, droppedReaders, errors], [count, 0, 0]);
  return report;
}

if (import.meta.main) {
  const count = Number(process.argv[2]);
  assert(Number.isSafeInteger(count) && count > 0, "Usage: exchange.ts <count>");
  await using _roudi = await RouDi.start();
  using runtime = Runtime.open();
  for (const exchange of EXCHANGES) {
    for (const [name, run] of [["C++ to this", receiveFromPeer], ["this to C++", broadcastToPeer]] as const) {
      const began = performance.now();
      const report = await run(runtime, exchange, count);
      const seconds = (performance.now() - began) / 1000;
      console.log(name, JSON.stringify(exchange), `${seconds.toFixed(1)} s`, JSON.stringify(report));
    }
  }
}
