// SPDX-License-Identifier: Apache-2.0
// writer.ts <JSON of a WriterDemand>
//
// Broadcasts blocks of content.ts with a checksum. Says where its memory is, waits for a reader, writes until its input ends, saying
// now and then how many blocks it sent.
import { readdirSync } from "node:fs";
import process from "node:process";
import {
  BLOCK_HEADER_SIZE,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  MarketDataType,
  Runtime,
  type Stack,
} from "../../mod.ts";
import { poolPath } from "../support/spoil.ts";
import { fill, lengthOf, recordCountOf } from "./content.ts";

/** What a writer writes. */
export interface WriterDemand {
  readonly stack: Stack;
  readonly stream: string;
  readonly config: Partial<BroadcastConfigFields>;
}

/** Where its blocks lie. */
export interface WriterPlace {
  readonly epoch: string;
  /** On the queue lane: the segment that blocks come from, and where some of them begin in it. */
  readonly pool: string;
  readonly offsets: readonly number[];
}

const SLICE = 256;
const REPORT_MS = 50;
const ROOM_WAIT_MS = 2;
/** Broadcasters that tell where the pool has its blocks, and loans of each at once. */
const PROBES = 24;
const LOANS = 8;

const { stack, stream, config } = JSON.parse(process.argv[2]!) as WriterDemand;
using _runtime = Runtime.open({ stack });
using out = new DataBroadcaster(new BroadcastConfig({ ...config, checksum: true }), stream);
const words = new Int32Array(8136 / 4);
const bytes = new Uint8Array(words.buffer);
let isOver = false;

function findPool(): string {
  if (config.lane !== "queue") return "";
  if (stack === "iceoryx") return poolPath();
  // Each publisher of iceoryx2 has a segment of its own, and this process has one publisher.
  const names = readdirSync("/dev/shm").filter((name) => /^iox2_.*\.data$/.test(name));
  if (names.length !== 1) throw new Error(`Cannot tell the segment among ${names.join(", ")}`);
  return `/dev/shm/${names[0]}`;
}

function placesOfLoans(): number[] {
  if (config.lane !== "queue") return [];
  // Without a checksum a loan lies in the pool itself.
  const broadcasters = Array.from(
    { length: PROBES },
    (_, index) => new DataBroadcaster(new BroadcastConfig(config), `${stream}_probe_${index}`),
  );
  // Of iceoryx the loans of all lie in one pool; of iceoryx2 those of each lie as those of the stream do.
  const loans = broadcasters.flatMap((broadcaster) => Array.from({ length: LOANS }, () => broadcaster.loan()!));
  const offsets = loans.map(({ data }) => data.byteOffset - BLOCK_HEADER_SIZE);
  for (const broadcaster of broadcasters) broadcaster.close();
  return [...new Set(offsets)];
}

function write(count: number): void {
  for (let sent = 0; sent < count && !isOver; sent++) {
    const sequence = out.nextSequence;
    fill(words, sequence);
    const data = bytes.subarray(0, lengthOf(sequence));
    if (out.broadcast(data, recordCountOf(sequence), MarketDataType.Unknown)) continue;
    // Readers may be unable to make room: what they say in the table can be spoiled.
    out.waitForRoomSync(ROOM_WAIT_MS);
    return;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const say = (): void => console.log(JSON.stringify({ sent: out.nextSequence }));

process.stdin.on("end", () => isOver = true).resume();
const pool = findPool();
const place: WriterPlace = { epoch: out.epoch.toString(16).padStart(16, "0"), pool, offsets: placesOfLoans() };
console.log(JSON.stringify(place));
while (!isOver && !out.hasSubscribers()) await turn();
for (let saidAt = 0; !isOver; await turn()) {
  write(SLICE);
  if (performance.now() - saidAt < REPORT_MS) continue;
  saidAt = performance.now();
  say();
}
say();
