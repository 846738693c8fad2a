// SPDX-License-Identifier: Apache-2.0
// reader.ts <JSON of a PeerDemand>
//
// Reads and checks every block from when it is told "open", tells each new broadcaster that it meets, and answers every line with what it
// has read. Obeys "throw", "exit" and "hog" (takes memory until it dies). Ends in order when its input does.
import { type Block, BroadcastConfig, DataSubscriber } from "../../mod.ts";
import { epochOf } from "../ring/epoch.ts";
import { faultOf } from "../ring/payload.ts";
import { delay } from "../support/wait.ts";
import { Commands, demandOfThis, openRuntime, patiently, say, turn } from "./command.ts";
import type { ReaderStats, Run } from "./demand.ts";

/** Blocks between two turns of the event loop. */
const SLICE_BLOCKS = 2048;
/** Runs that it tells: the broadcaster's that was there before, and the one's that is there now. */
const RUNS = 2;

const demand = demandOfThis();
const { stream, config, restMs = 0 } = demand;
const runs: Run[] = [];
/** The run of each broadcaster. What one left is still read when the next one's blocks have begun. */
const runOf = new Map<bigint, Run>();
let run: Run | undefined;
let epoch = -1n;
let holes = 0;
let wrong = 0;
let stats: () => ReaderStats = () => ({ received: 0, missed: 0, holes: 0, wrong: 0, dropped: 0, runs: [] });

function handle(block: Block): void {
  const { sequence } = block;
  if (faultOf(block) !== "") wrong++;
  if (run === undefined || block.epoch !== epoch) {
    epoch = block.epoch;
    run = runOf.get(epoch);
    if (run === undefined) {
      run = { epoch: epochOf(block), first: sequence, last: sequence, received: 1 };
      runs.push(run);
      runOf.set(epoch, run);
      say("epoch", { epoch: run.epoch, first: sequence, timeMs: Date.now() });
      return;
    }
  }
  if (sequence > run.last) holes += sequence - run.last - 1;
  else wrong++;
  run.last = sequence;
  run.received++;
}

const commands = new Commands(() => say("stats", stats()));
await commands.opened;
if (!commands.isEnding) {
  const told: string[] = [];
  using runtime = await openRuntime(demand, told);
  using feed = await patiently(() => new DataSubscriber(new BroadcastConfig(config), stream, { runtime }));
  stats = () => {
    const { receivedBlocks, missedBlocks, droppedByWriter } = feed.getReceiveStats();
    return {
      received: receivedBlocks,
      missed: missedBlocks,
      holes,
      wrong,
      dropped: droppedByWriter,
      runs: runs.slice(-RUNS),
      state: runtime.state,
      told,
    };
  };
  say("open");
  while (!commands.isEnding) {
    commands.turn();
    feed.poll(handle, SLICE_BLOCKS);
    if (restMs > 0) await delay(restMs);
    else await turn();
  }
}
