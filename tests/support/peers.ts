// SPDX-License-Identifier: Apache-2.0
//
// C++ peers: starting them, what they print, and blocks of the pattern that both sides compute from the sequence.
import { assert, assertEquals } from "@std/assert";
import {
  type Block,
  BLOCK_DATA_SIZE,
  BLOCK_HEADER_SIZE,
  BroadcastConfig,
  type DataBroadcaster,
  DataSubscriber,
  type Runtime,
  Tick,
} from "../../mod.ts";
import {
  checkPattern,
  fillPattern,
  patternChecksum,
  patternDataType,
  type PatternKind,
  patternLength,
  patternRecordCount,
  patternTick,
  patternTimestampNs,
} from "./pattern.ts";
import { type Process, startProgram } from "./process.ts";
import { waitFor } from "./wait.ts";

/** Long enough for 100,000 checked blocks on a busy machine. */
const TIMEOUT_MS = 120_000;

let streams = 0;

/** A stream name that no other test of this file uses. */
export function newStream(): string {
  return `peers_${++streams}`;
}

/** What a peer publisher prints at its end. */
export interface Published {
  readonly published: number;
  readonly first: number;
  readonly last: number;
  readonly checksum: number;
}

/** What a peer subscriber prints at its end. */
export interface Received {
  readonly received: number;
  readonly missed: number;
  readonly bad: number;
  readonly backwards: number;
  readonly first: number;
  readonly last: number;
  readonly publishers: number;
  readonly checksum: number;
}

/** Starts a publisher of the queue lane, which waits for one subscriber where it is told nothing else. */
export function startPublisher(stream: string, ...args: string[]): Process {
  return startProgram("build/bin/peer_publisher", ["--stream", stream, "--wait-subscribers", "1", ...args]);
}

/** Starts a subscriber of the queue lane. */
export function startSubscriber(stream: string, ...args: string[]): Process {
  return startProgram("build/bin/peer_subscriber", ["--stream", stream, ...args]);
}

/** The line of JSON that a peer ends with. */
export async function resultOf<Result>(peer: Process, timeoutMs: number = TIMEOUT_MS): Promise<Result> {
  const exit = await peer.exited({ timeoutMs });
  assertEquals(exit, { code: 0, signal: null }, peer.report());
  return JSON.parse(peer.lines.at(-1)!);
}

/** Checks every field of the header of a block that a native publisher sent. Returns its sequence. */
export function checkCppHeader(block: Block, kind: PatternKind): number {
  const { sequence, data } = block;
  const same = block.recordCount === patternRecordCount(kind, sequence) &&
    block.dataType === patternDataType(kind, sequence) && block.timestampNs === patternTimestampNs(sequence) &&
    block.recordSize === 0 && block.schemaId === 0 && block.sourceSequence === sequence && block.intact &&
    data.length === BLOCK_DATA_SIZE;
  if (!same) throw new Error(`the header of block ${sequence} differs`);
  // The bytes that the C++ side does not know are zero as it left them.
  const header = new Uint8Array(data.buffer, data.byteOffset - BLOCK_HEADER_SIZE, BLOCK_HEADER_SIZE);
  for (let at = 25; at < BLOCK_HEADER_SIZE; at++) {
    if (header[at] !== 0) throw new Error(`header byte ${at} of block ${sequence} is ${header[at]}`);
  }
  return sequence;
}

/** Checks every field of a block that a native publisher sent. Returns its sequence. */
export function checkCppBlock(block: Block, kind: PatternKind): number {
  const sequence = checkCppHeader(block, kind);
  const { data } = block;
  if (kind === "full") {
    const fault = checkPattern(kind, sequence, data.subarray(0, patternLength(kind, sequence)));
    if (fault !== "") throw new Error(fault);
    return sequence;
  }
  const ticks = block.records(Tick);
  if (ticks.length !== block.recordCount) throw new Error(`block ${sequence} has ${ticks.length} ticks`);
  let index = 0;
  for (const tick of ticks) {
    const wanted = patternTick(sequence, index);
    const equal = tick.timestampNs === wanted.timestampNs && tick.last === wanted.last && tick.bid === wanted.bid &&
      tick.ask === wanted.ask && tick.volume === wanted.volume && tick.symbol === wanted.symbol;
    if (!equal) throw new Error(`tick ${index} of block ${sequence} is ${JSON.stringify(tick.toObject(), text)}`);
    index++;
  }
  return sequence;
}

const text = (_: string, value: unknown): unknown => typeof value === "bigint" ? `${value}` : value;

/** Broadcasts the blocks of a pattern, waiting for room where there is none. Returns their checksum. */
export function broadcastPattern(out: DataBroadcaster, kind: PatternKind, count: number): number {
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  let checksum = 0;
  for (let sent = 0; sent < count; sent++) {
    const sequence = out.nextSequence;
    const length = fillPattern(kind, sequence, data);
    const used = data.subarray(0, length);
    checksum = (checksum + patternChecksum(used)) >>> 0;
    const recordCount = patternRecordCount(kind, sequence);
    while (!out.broadcast(used, recordCount, patternDataType(kind, sequence))) {
      assert(out.waitForRoomSync(30_000), "the peer does not read");
    }
  }
  return checksum;
}

/** Broadcasts nothing but what it must until the queue lane beside a ring is served, as it is from then on for all who subscribe. */
export async function openQueueLane(
  out: DataBroadcaster,
  runtime: Runtime,
  kind: PatternKind = "ticks",
): Promise<DataSubscriber> {
  const opener = new DataSubscriber(new BroadcastConfig({ lane: "queue", queueCapacity: 1 }), out.stream, { runtime });
  await waitFor(() => {
    broadcastPattern(out, kind, 1);
    return opener.hasData();
  }, { what: "the queue lane to be served" });
  return opener;
}
