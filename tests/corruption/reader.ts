// SPDX-License-Identifier: Apache-2.0
// reader.ts <JSON of a ReaderDemand>
//
// Polls a stream and compares each block that it is given with content.ts. Says now and then what it counted. When its input ends it
// reads to the end of the stream, if that can be found, proves that streams still work in this process, and says it once more.
import process from "node:process";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Runtime,
  type Stack,
} from "../../mod.ts";
import { hasChecksum, wholeOf } from "../support/checksum.ts";
import { waitFor } from "../support/wait.ts";
import { isContentOf } from "./content.ts";

/** What a reader reads. */
export interface ReaderDemand {
  readonly stack: Stack;
  readonly stream: string;
  readonly config: Partial<BroadcastConfigFields>;
  /** Whether the end of the stream can be found: nobody spoils what tells of it. */
  readonly findsEnd: boolean;
}

/** What it counted. */
export interface ReaderReport {
  /** Blocks that were right, and those that were handed out although they were wrong: 0 is what is promised. */
  readonly good: number;
  readonly wrong: number;
  /** Blocks in place that were spoiled, or overwritten, after they had been verified. */
  readonly spoiled: number;
  readonly polls: number;
  readonly received: number;
  readonly missed: number;
  readonly corrupt: number;
  readonly isLast: boolean;
}

const REPORT_MS = 50;
/** Polls between two turns of the event loop. */
const SLICE = 16;
const BLOCKS_AFTERWARDS = 100;

const { stack, stream, config, findsEnd } = JSON.parse(process.argv[2]!) as ReaderDemand;
using _runtime = Runtime.open({ stack });
using feed = new DataSubscriber(new BroadcastConfig(config), stream);
const isCopied = config.read !== "in-place" && config.delivery !== "lossless" && config.lane !== "queue";
let good = 0;
let wrong = 0;
let spoiled = 0;
let polls = 0;
let last = -1;
let isOver = false;

function handle(block: Block): void {
  const { sequence } = block;
  const isRight = sequence > last && isContentOf(block.data, block.recordCount, sequence);
  // It may be the block that has overwritten this one that is right.
  if (isRight && block.intact) {
    last = sequence;
    good++;
    return;
  }
  // Memory that others may write: what was verified can change before it is read.
  const copy = wholeOf(block).slice();
  if (isCopied || (!isRight && hasChecksum(copy) && block.intact)) wrong++;
  else spoiled++;
}

function say(isLast: boolean): void {
  const { receivedBlocks: received, missedBlocks: missed, corruptBlocks: corrupt } = feed.getReceiveStats();
  const report: ReaderReport = { good, wrong, spoiled, polls, received, missed, corrupt, isLast };
  console.log(JSON.stringify(report));
}

/** Blocks go from here to here, on a stream that nobody spoils. */
async function proveLife(): Promise<void> {
  const own = `${stream}_afterwards`;
  using reader = new DataSubscriber(new BroadcastConfig({ history: "all" }), own);
  using out = new DataBroadcaster(new BroadcastConfig(), own);
  for (let sent = 0; sent < BLOCKS_AFTERWARDS; sent++) out.broadcast(new Uint8Array(64), 1, MarketDataType.Tick);
  let got = 0;
  await waitFor(() => {
    reader.poll(() => void got++);
    return got === BLOCKS_AFTERWARDS;
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

process.stdin.on("end", () => isOver = true).resume();
console.log("ready");
for (let saidAt = 0; !isOver; await turn()) {
  for (let poll = 0; poll < SLICE; poll++, polls++) if (feed.poll(handle) === 0) feed.waitSync(0.2);
  if (performance.now() - saidAt < REPORT_MS) continue;
  saidAt = performance.now();
  say(false);
}
if (findsEnd) {
  await waitFor(() => {
    feed.poll(handle);
    return feed.state === "ended" && !feed.hasData();
  });
}
await proveLife();
say(true);
