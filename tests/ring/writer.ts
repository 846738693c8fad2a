// SPDX-License-Identifier: Apache-2.0
// writer.ts <stream> <JSON of a WriterDemand>
//
// A second process that broadcasts. Says its epoch in a line of JSON, and then one line for each line that it is told:
//   send <n>   n blocks as fast as it goes, waiting for room
//   run <n>    n blocks after every turn of the event loop, until it is told something else; said only after that
//   loan       begins a block, writes its data, and leaves it at that
//   stats      what it sent
//   close      ends the broadcaster
// When its input ends it closes all and ends.
import process from "node:process";
import { createInterface } from "node:readline";
import {
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  MarketDataType,
  Runtime,
  type RuntimeOptions,
} from "../../mod.ts";
import { epochOf } from "./epoch.ts";
import { fillPayload, PAYLOAD_BYTES } from "./payload.ts";

/** How a writer is made. */
export interface WriterDemand {
  /** How its runtime is opened. */
  readonly runtime?: RuntimeOptions;
  readonly config?: Partial<BroadcastConfigFields>;
  readonly firstSequence?: number;
}

/** What a writer says of itself. */
export interface WriterReport {
  readonly next: number;
  readonly refused: number;
  readonly subscribers: number;
  readonly droppedReaders: number;
  /** The longest time without room. */
  readonly longestMs: number;
  readonly runtime: string;
}

/** How long a reader may leave no room: longer than any test lets one. */
const ROOM_TIMEOUT_MS = 60_000;
/** Blocks between two turns of the event loop. */
const SLICE = 2000;

const [stream, demand] = process.argv.slice(2);
const { runtime: options, config, firstSequence } = JSON.parse(demand ?? "{}") as WriterDemand;
using runtime = Runtime.open(options);
using out = new DataBroadcaster(new BroadcastConfig(config), stream!, { runtime, firstSequence });
const data = new Uint8Array(PAYLOAD_BYTES);
let longestMs = 0;
let running = 0;
let isClosed = false;

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

function send(count: number): void {
  for (let sent = 0; sent < count; sent++) {
    fillPayload(data, out.nextSequence);
    if (out.broadcast(data, 1, MarketDataType.Unknown)) continue;
    const began = performance.now();
    do {
      if (!out.waitForRoomSync(ROOM_TIMEOUT_MS)) throw new Error("the readers leave no room");
      // On a lossy queue without a port a refused block has taken its number.
      fillPayload(data, out.nextSequence);
    } while (!out.broadcast(data, 1, MarketDataType.Unknown));
    longestMs = Math.max(longestMs, performance.now() - began);
  }
}

function report(): WriterReport {
  const { refusedBlocks: refused, subscribers, droppedReaders } = out.getStats();
  return { next: out.nextSequence, refused, subscribers, droppedReaders, longestMs, runtime: runtime.state };
}

async function run(count: number): Promise<void> {
  running = count;
  while (running > 0) {
    send(running);
    await turn();
  }
}

console.log(JSON.stringify({ epoch: epochOf(out) }));
let ran: Promise<void> = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(" ");
  running = 0;
  await ran;
  let said: WriterReport | undefined = isClosed ? undefined : report();
  switch (command) {
    case "send":
      for (let left = Number(argument); left > 0; left -= SLICE) {
        send(Math.min(left, SLICE));
        await turn();
      }
      said = report();
      break;
    case "run":
      ran = run(Number(argument));
      continue;
    case "loan":
      fillPayload(out.loan()!.data, out.nextSequence);
      break;
    case "close":
      out.close();
      isClosed = true;
      break;
    case "stats":
      break;
    default:
      throw new Error(`There is no command ${command}`);
  }
  console.log(JSON.stringify(said ?? {}));
}
running = 0;
await ran;
