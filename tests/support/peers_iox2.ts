// SPDX-License-Identifier: Apache-2.0
//
// Peers over iceoryx2's own APIs in Rust and Python: starting them, and keeping them from overrunning each other. iceoryx2 drops what
// a full buffer has no room for, so a reader tells how far it has come, and the writer goes on only so far ahead of it.
import { existsSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { BLOCK_DATA_SIZE, type DataBroadcaster } from "../../mod.ts";
import { PatternMemory } from "./fast_pattern.ts";
import { patternDataType, type PatternKind, patternRecordCount } from "./pattern.ts";
import { type Published, type Received, resultOf } from "./peers.ts";
import { type Process, startProgram } from "./process.ts";
import { projectFolder } from "./runtime.ts";

/** The versions of iceoryx2 that there are peers and libraries of. */
export type Version = "0.7.0" | "0.10.0";

/** The languages that there are peers in. */
export const LANGUAGES = ["Rust", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Blocks that may be on their way: as many as a peer buffers. */
export const WINDOW = 256;
/** How often a reader tells how far it has come. */
export const PROGRESS = 64;

/** The folder below which what belongs to a version lies: one of its own, where it is not what the build is for. */
function placeOf(folder: string, version: Version): string {
  const own = `${projectFolder}/build/${folder}/iox2-${version}`;
  return existsSync(own) ? own : `${projectFolder}/build/${folder}`;
}

/** The library over a version. */
export function libraryOf(version: Version): string {
  return `${placeOf("lib", version)}/libqipc_iox2.so.1`;
}

function start(language: Language, program: string, args: readonly string[], version?: Version): Process {
  if (language === "Rust") {
    const folder = version === undefined ? "build/bin" : placeOf("bin", version);
    return startProgram(`${folder}/peer_iox2_${program}`, args);
  }
  const python = version === "0.10.0" ? "build/python-0.10.0" : "build/python";
  // Where the declaration of the block lies, as users write it.
  const env = { PYTHONPATH: `${projectFolder}/examples/python` };
  return startProgram(`${python}/bin/python`, ["-B", `tests/peers/python/${program}.py`, ...args], { env });
}

/** Starts peers. */
export interface Peers {
  /** Starts a publisher that goes on as far as the lines on its stdin allow, once there was one. */
  readonly publisher: (language: Language, stream: string, ...args: string[]) => Process;
  /** Starts a subscriber that tells how far it has come. */
  readonly subscriber: (language: Language, stream: string, ...args: string[]) => Process;
}

/** Starts peers of a version, by default of the one that the build is for. */
export function peersOf(version?: Version): Peers {
  return {
    publisher: (language, stream, ...args) =>
      start(language, "publisher", ["--stream", stream, "--window", `${WINDOW}`, ...args], version),
    subscriber: (language, stream, ...args) =>
      start(language, "subscriber", ["--stream", stream, "--progress", `${PROGRESS}`, ...args], version),
  };
}

export const { publisher: startIox2Publisher, subscriber: startIox2Subscriber } = peersOf();

/** Tells the one peer how far the other has come, from its start on, until both have ended. Returns what they say at the end. */
export async function lead(publisher: Process, subscriber: Process, count: number): Promise<[Published, Received]> {
  await subscriber.waitForLine("ready");
  await publisher.waitForLine("ready");
  publisher.writeLine("0");
  for (let read = 0; read + PROGRESS <= count; read += PROGRESS) {
    const line = await subscriber.nextLine();
    assertEquals(line, `${read + PROGRESS}`, subscriber.report());
    publisher.writeLine(line);
  }
  return [await resultOf<Published>(publisher), await resultOf<Received>(subscriber)];
}

/**
 * Broadcasts the blocks of a pattern, no further ahead of a subscriber that tells how far it has come than it has room for. Returns
 * their checksum.
 */
export async function broadcastTo(
  peer: Process,
  out: DataBroadcaster,
  kind: PatternKind,
  count: number,
): Promise<number> {
  const memory = new PatternMemory();
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  let sum = 0;
  let read = 0;
  for (let sent = 0; sent < count; sent++) {
    // What it has read of the history is not told apart, so half of the window is kept back.
    while (sent + 1 > read + WINDOW / 2) read = Number(await peer.nextLine());
    const sequence = out.nextSequence;
    const length = memory.fill(kind, sequence, data);
    sum = (sum + memory.checksum(data, length)) >>> 0;
    const used = data.subarray(0, length);
    while (!out.broadcast(used, patternRecordCount(kind, sequence), patternDataType(kind, sequence))) {
      assert(out.waitForRoomSync(30_000), "the peer does not read");
    }
  }
  return sum;
}

/** The checksum of the blocks of these sequences. */
export function patternSum(kind: PatternKind, first: number, last: number): number {
  const memory = new PatternMemory();
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  let sum = 0;
  for (let sequence = first; sequence <= last; sequence++) {
    sum = (sum + memory.checksum(data, memory.fill(kind, sequence, data))) >>> 0;
  }
  return sum;
}
