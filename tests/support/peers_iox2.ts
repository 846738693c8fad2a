// SPDX-License-Identifier: Apache-2.0
//
// Peers over iceoryx2's own APIs in Rust and Python: starting them, and keeping them from overrunning each other. iceoryx2 drops what
// a full buffer has no room for, so a reader tells how far it has come, and the writer goes on only so far ahead of it.
import { assertEquals } from "@std/assert";
import { BLOCK_DATA_SIZE, type DataBroadcaster } from "../../mod.ts";
import { fillPattern, patternChecksum, type PatternKind } from "./pattern.ts";
import { broadcastPattern, type Published, type Received, resultOf } from "./peers.ts";
import { type Process, startProgram } from "./process.ts";
import { projectFolder } from "./runtime.ts";

/** The languages that there are peers in. */
export const LANGUAGES = ["Rust", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Blocks that may be on their way: as many as a peer buffers. */
export const WINDOW = 256;
/** How often a reader tells how far it has come. */
export const PROGRESS = 64;

const PYTHON = "build/python/bin/python";

function start(language: Language, program: "publisher" | "subscriber", args: readonly string[]): Process {
  return language === "Rust"
    ? startProgram(`build/bin/peer_iox2_${program}`, args)
    : startProgram(PYTHON, ["-B", `tests/peers/python/${program}.py`, ...args], {
      // Where the declaration of the block lies, as users write it.
      env: { PYTHONPATH: `${projectFolder}/examples/python` },
    });
}

/** Starts a publisher that goes on as far as the lines on its stdin allow, once there was one. */
export function startIox2Publisher(language: Language, stream: string, ...args: string[]): Process {
  return start(language, "publisher", ["--stream", stream, "--window", `${WINDOW}`, ...args]);
}

/** Starts a subscriber that tells how far it has come. */
export function startIox2Subscriber(language: Language, stream: string, ...args: string[]): Process {
  return start(language, "subscriber", ["--stream", stream, "--progress", `${PROGRESS}`, ...args]);
}

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

/** Broadcasts the blocks of a pattern, no further ahead of a subscriber that tells how far it has come than it has room for. */
export async function broadcastTo(
  peer: Process,
  out: DataBroadcaster,
  kind: PatternKind,
  count: number,
): Promise<void> {
  let read = 0;
  for (let sent = 0; sent < count;) {
    const part = Math.min(PROGRESS, count - sent);
    // What it has read of the history is not told apart, so half of the window is kept back.
    while (sent + part > read + WINDOW / 2) read = Number(await peer.nextLine());
    broadcastPattern(out, kind, part);
    sent += part;
  }
}

/** The checksum of the blocks of these sequences. */
export function patternSum(kind: PatternKind, first: number, last: number): number {
  const data = new Uint8Array(BLOCK_DATA_SIZE);
  let sum = 0;
  for (let sequence = first; sequence <= last; sequence++) {
    sum = (sum + patternChecksum(data, fillPattern(kind, sequence, data))) >>> 0;
  }
  return sum;
}
