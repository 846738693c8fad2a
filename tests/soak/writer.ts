// SPDX-License-Identifier: Apache-2.0
// writer.ts <JSON of a SoakWriterDemand>
//
// The writer of a soak run: sends all streams at rates that change, and says what it has sent for each line that it is told:
//   state            no more than that
//   gc               after it has collected its garbage
//   reopen <stream>  after it has ended this stream's broadcaster and made the next one, which goes on with its sequence
//   pause            and sends nothing more
// When its input ends it closes all and ends.
import process from "node:process";
import { createInterface } from "node:readline";
import { BroadcastConfig, DataBroadcaster, MarketDataType, Runtime } from "../../mod.ts";
import { PatternMemory } from "../support/fast_pattern.ts";
import { Load } from "./load.ts";
import { releaseMemory } from "./release.ts";
import { BLOCK_BYTES, fillBlock, RECORDS_PER_BLOCK, STREAM_NAMES, type StreamName, STREAMS } from "./streams.ts";

/** How a writer sends. */
export interface SoakWriterDemand {
  /** Blocks of all streams, floods aside. */
  readonly blocksPerSecond: number;
  readonly cycleMs: number;
}

/** What was sent of one stream. */
export interface SentStream {
  /** The sequence of the next block. */
  readonly next: number;
  readonly blocks: number;
  /** Attempts that found no room. */
  readonly refused: number;
  readonly droppedReaders: number;
  readonly queueLaneMissedBlocks: number;
}

/** What a writer says of itself. */
export type SoakWriterReport = Readonly<Record<StreamName, SentStream>>;

/** The writer sleeps between two looks at what is due. */
const TICK_MS = 4;
/** What is late is caught up with no faster, so that the event loop gets its turns. */
const BLOCKS_PER_TICK_MAX = 2048;

const memory = new PatternMemory();

/** One stream, and what its broadcasters sent. */
class Sender {
  readonly #name: StreamName;
  readonly #runtime: Runtime;
  readonly #data = new Uint8Array(BLOCK_BYTES);
  #out: DataBroadcaster;
  #blocks = 0;
  #refused = 0;
  #droppedReaders = 0;
  #queueLaneMissedBlocks = 0;

  constructor(name: StreamName, runtime: Runtime) {
    this.#name = name;
    this.#runtime = runtime;
    this.#out = this.#open(STREAMS[name].firstSequence);
  }

  #open(firstSequence: number): DataBroadcaster {
    const config = new BroadcastConfig(STREAMS[this.#name].config);
    return new DataBroadcaster(config, this.#name, { runtime: this.#runtime, firstSequence });
  }

  report(): SentStream {
    const stats = this.#out.getStats();
    return {
      next: this.#out.nextSequence,
      blocks: this.#blocks + stats.sentBlocks,
      refused: this.#refused + stats.refusedBlocks,
      droppedReaders: this.#droppedReaders + stats.droppedReaders,
      queueLaneMissedBlocks: this.#queueLaneMissedBlocks + stats.queueLaneMissedBlocks,
    };
  }

  reopen(): void {
    const { next, ...sums } = this.report();
    this.#out.close();
    this.#out = this.#open(next);
    this.#blocks = sums.blocks;
    this.#refused = sums.refused;
    this.#droppedReaders = sums.droppedReaders;
    this.#queueLaneMissedBlocks = sums.queueLaneMissedBlocks;
  }

  /** Sends one block, every other one written in place; false when there is no room. */
  send(): boolean {
    const out = this.#out;
    const sequence = out.nextSequence;
    if ((sequence & 1) === 0) {
      fillBlock(memory, sequence, this.#data);
      return out.broadcast(this.#data, RECORDS_PER_BLOCK, MarketDataType.Tick);
    }
    const loan = out.loan();
    if (loan === null) return false;
    fillBlock(memory, sequence, loan.data);
    return loan.publish(BLOCK_BYTES, RECORDS_PER_BLOCK, MarketDataType.Tick);
  }

  close(): void {
    this.#out.close();
  }
}

const { blocksPerSecond, cycleMs } = JSON.parse(process.argv[2]!) as SoakWriterDemand;
using runtime = Runtime.open();
const senders = new Map(STREAM_NAMES.map((name) => [name, new Sender(name, runtime)]));
const sent = new Map(STREAM_NAMES.map((name) => [name, 0]));
const loads = new Map(STREAM_NAMES.map((name) => [name, new Load(blocksPerSecond * STREAMS[name].share, cycleMs)]));
const began = performance.now();
let isPaused = false;

function due(name: StreamName, ms: number): number {
  const { changes, flood } = STREAMS[name];
  const load = loads.get(name)!;
  return Math.floor(changes ? load.changing(ms) : load.steady(ms)) + flood * load.floods(ms);
}

function tick(): void {
  const ms = performance.now() - began;
  for (const [name, sender] of senders) {
    const before = sent.get(name)!;
    const wanted = Math.min(due(name, ms), before + BLOCKS_PER_TICK_MAX);
    let now = before;
    // A lossless ring that is full has room at the next tick.
    while (now < wanted && sender.send()) now++;
    sent.set(name, now);
  }
}

function report(): SoakWriterReport {
  return Object.fromEntries([...senders].map(([name, sender]) => [name, sender.report()])) as SoakWriterReport;
}

const timer = setInterval(() => {
  if (!isPaused) tick();
}, TICK_MS);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [command, stream] = line.split(" ");
  if (command === "gc") releaseMemory();
  else if (command === "reopen") senders.get(stream as StreamName)!.reopen();
  else if (command === "pause") isPaused = true;
  console.log(JSON.stringify(report()));
}
clearInterval(timer);
for (const sender of senders.values()) sender.close();
