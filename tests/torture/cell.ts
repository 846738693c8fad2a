// SPDX-License-Identifier: Apache-2.0
// One cell of the kill matrix: its trials in one world, which is made anew when somebody stands still or dies who should live.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { Random } from "../support/random.ts";
import { type Cell, cellName } from "./cells.ts";
import { Failure } from "./failure.ts";
import { type Peer, until } from "./peer.ts";
import { findMissing, findRemains, look } from "./remains.ts";
import { Trial, type TrialResult } from "./trial.ts";
import { World } from "./world.ts";

/** What came of a cell. */
export interface CellResult {
  readonly cell: string;
  readonly lane: string;
  readonly runtime: string;
  readonly trials: number;
  /** Trials after which a fresh script got no blocks, or a survivor stood still. */
  readonly freezes: number;
  /** Trials in which somebody died who should live, or otherwise than he should. */
  readonly aborts: number;
  /** Blocks that some survivor neither received nor counted as missed. */
  readonly uncounted: number;
  /** Of trials that went on: from the blow until a fresh script had exchanged blocks. */
  readonly resume_ms_p50: number | null;
  readonly resume_ms_max: number | null;
  /** Trials that took longer than 3 s for that. */
  readonly late: number;
  /** Other promises that were broken: wrong blocks, losses of a lossless stream, states that were not told. */
  readonly broken: number;
  /** The longest time until the runtimes had noticed the end of RouDi, or its return. */
  readonly state_ms_max: number | null;
  /** What was left at the end: chunks, files and processes. */
  readonly left: readonly string[];
  readonly problems: readonly string[];
  readonly seconds: number;
}

/** How a cell is run. */
export interface CellOptions {
  readonly trials: number;
  /** After how long somebody who does not go on is said to be frozen. */
  readonly limitMs: number;
  readonly seed: number;
  readonly progress?: (trial: number) => void;
}

const LATE_MS = 3000;
const PROBLEMS_MAX = 20;

/** Starts the world of a cell: the survivor first, so that it meets every writer's first block. */
async function start(cell: Cell, limitMs: number): Promise<World> {
  const world = new World(cell);
  try {
    await world.startRouDi();
    const needsVictim = cell.subject === "subscriber" || cell.subject === "both";
    const readers = [world.prepare("survivor"), ...needsVictim ? [world.prepare("victim")] : []];
    const writer = world.prepare("writer");
    for (const reader of readers) {
      await world.ready(reader);
      world.seat(reader, false);
      await until([reader], () => reader.all("open").length > 0, `opening of ${reader.name}`, limitMs);
    }
    await world.ready(writer);
    writer.process.writeLine("open");
    await until([writer], () => writer.all("open").length > 0, `opening of ${writer.name}`, limitMs);
    world.employ(writer);
    for (const reader of readers) {
      await until([writer, reader], () => reader.all("epoch").length > 0, `first block at ${reader.name}`, limitMs);
    }
    if (cell.lane.endsWith("+native")) await world.attachNative(limitMs);
    return world;
  } catch (error) {
    await world.destroy();
    throw error;
  }
}

/** The fresh processes of a trial. */
function prepareFresh(world: World): Peer[] {
  const { subject, how } = world.cell;
  if (how === "SIGSTOP" || subject === "roudi" || subject === "root") return [world.prepare("victim")];
  return {
    broadcaster: () => [world.prepare("writer")],
    subscriber: () => [world.prepare("victim")],
    both: () => [world.prepare("writer"), world.prepare("victim")],
  }[subject]();
}

/** Runs the trials of a cell. */
export async function runCell(cell: Cell, { trials, limitMs, seed, progress }: CellOptions): Promise<CellResult> {
  const began = performance.now();
  const random = new Random(seed);
  const before = look();
  const results: TrialResult[] = [];
  const counts = { freeze: 0, abort: 0 };
  const problems: string[] = [];
  const left: string[] = [];
  let world: World | null = null;
  const fail = async (error: unknown, when: string): Promise<void> => {
    if (!(error instanceof Failure)) throw error;
    counts[error.kind]++;
    problems.push(`${when}: ${error.kind}: ${error.message}`);
    await world?.destroy();
    world = null;
  };
  try {
    for (let trial = 1; trial <= trials; trial++) {
      progress?.(trial);
      try {
        world ??= await start(cell, limitMs);
        const result = await new Trial(world, limitMs).run(prepareFresh(world), random);
        problems.push(...result.problems.map((problem) => `trial ${trial}: ${problem}`));
        results.push(result);
      } catch (error) {
        await fail(error, `trial ${trial}`);
      }
    }
    if (world !== null) {
      try {
        await world.settle(limitMs);
        await world.endPeers();
        left.push(...await findMissing(world));
      } catch (error) {
        await fail(error, "at the end");
      }
    }
    if (world !== null && world.roudi !== null) {
      await world.roudi.terminate().catch((error) => left.push(`RouDi after SIGTERM: ${error}`));
    }
    left.push(...await findRemains(before));
  } finally {
    await (world as World | null)?.destroy();
  }
  const times = results.map(({ resumeMs }) => resumeMs).sort((a, b) => a - b);
  const states = results.map(({ stateMs }) => stateMs);
  return {
    cell: cellName(cell),
    lane: cell.lane,
    runtime: cell.runtime,
    trials,
    freezes: counts.freeze,
    aborts: counts.abort,
    uncounted: results.reduce((sum, { uncounted }) => sum + uncounted, 0),
    resume_ms_p50: times[(times.length - 1) >> 1] ?? null,
    resume_ms_max: times.at(-1) ?? null,
    late: times.filter((ms) => ms > LATE_MS).length,
    broken: results.reduce((sum, { broken }) => sum + broken, 0),
    state_ms_max: ["roudi", "root"].includes(cell.subject) && cell.runtime !== "c" && states.length > 0
      ? Math.max(...states)
      : null,
    left,
    problems: problems.slice(0, PROBLEMS_MAX),
    seconds: (performance.now() - began) / 1000,
  };
}

// cell.ts <JSON of a cell> <JSON of CellOptions> <file of the result>: run.ts starts it in a namespace of the cell's own.
if (import.meta.main) {
  const [cell, options, file] = process.argv.slice(2);
  const progress = (trial: number): void => console.log(`trial ${trial}`);
  writeFileSync(file!, JSON.stringify(await runCell(JSON.parse(cell!), { ...JSON.parse(options!), progress })));
  process.exit(0);
}
