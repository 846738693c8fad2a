// SPDX-License-Identifier: Apache-2.0
// A soak run: one writer, readers that stay and readers that come and go, and what all of them take meanwhile.
import { RouDi } from "../support/roudi.ts";
import type { RuntimeName } from "../support/runtime.ts";
import { delay } from "../support/wait.ts";
import { discrepancies } from "./account.ts";
import { SoakReader, SoakWriter } from "./peers.ts";
import type { SoakReaderReport, Way } from "./reader.ts";
import { measureProcess, measureShared, type ProcessUse, type SharedUse } from "./sample.ts";
import { type FeedName, FEEDS, STREAM_NAMES } from "./streams.ts";
import type { SoakWriterReport } from "./writer.ts";

/** How a soak run is made. */
export interface SoakDemand {
  readonly durationMs: number;
  /** Readers and broadcasters are replaced so often, garbage is collected and all is measured so often, rates come again so often. */
  readonly restartMs: number;
  readonly sampleMs: number;
  readonly cycleMs: number;
  readonly blocksPerSecond: number;
  /** The runtime of the writer; readers are in both. */
  readonly runtime: RuntimeName;
  /** Told of each sample. */
  progress(sample: Sample): void;
}

/** One moment of a run. */
export interface Sample {
  /** Since the beginning. */
  readonly ms: number;
  readonly sent: SoakWriterReport;
  /** By the name of a process; those that come and go have none. */
  readonly processes: Readonly<Record<string, ProcessUse>>;
  readonly shared: SharedUse;
  readonly restarts: number;
  /** Blocks that readers have compared and lost, over all of them. */
  readonly verified: number;
  readonly missed: number;
}

/** What readers of one name have read, over all of their lives. */
export interface Reading {
  readonly name: string;
  lives: number;
  verified: number;
  missed: number;
  gaps: number;
  /** Times that the writer of a lossless ring gave up waiting. */
  dropped: number;
}

/** What a run gave. */
export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly readings: readonly Reading[];
  /** Everything that was not as it should be. */
  readonly faults: readonly string[];
}

/** Chunks for full queues of all subscribers of the queue lane. */
const POOL_BLOCKS = 2048;
const RUNTIMES: readonly RuntimeName[] = ["deno", "bun"];
const WAYS: readonly Way[] = ["for await", "poll"];
/** Which readers are replaced: one at a time of each, in turn. */
const PLACES: readonly (readonly FeedName[])[] = [["lossy ring"], ["lossless ring"], ["queue", "queue of a ring"]];
/** They stay from the beginning to the end. */
const STAYING: readonly FeedName[] = ["lossy ring", "lossless ring", "queue"];

/** A reader that runs, and where the writer was before and after it joined. */
interface Running {
  readonly reader: SoakReader;
  readonly before: number;
  readonly joined: number;
}

/** One run. */
class Soak {
  readonly #demand: SoakDemand;
  readonly #roudi: RouDi;
  readonly #writer: SoakWriter;
  readonly #staying: Running[] = [];
  /** The reader in each place, and how many there were. */
  readonly #passing: Running[] = [];
  readonly #turns = PLACES.map(() => 0);
  #reopened = 0;
  readonly #samples: Sample[] = [];
  readonly #readings = new Map<string, Reading>();
  readonly #faults: string[] = [];

  constructor(demand: SoakDemand, roudi: RouDi) {
    this.#demand = demand;
    this.#roudi = roudi;
    const { blocksPerSecond, cycleMs } = demand;
    this.#writer = new SoakWriter(demand.runtime, { blocksPerSecond, cycleMs });
  }

  get result(): SoakResult {
    return { samples: this.#samples, readings: [...this.#readings.values()], faults: this.#faults };
  }

  async run(): Promise<void> {
    try {
      await this.#writer.ready();
      for (const feed of STAYING) {
        for (const runtime of RUNTIMES) this.#staying.push(await this.#start(feed, runtime, "for await", "stays"));
      }
      for (let place = 0; place < PLACES.length; place++) await this.#enter(place);
      await this.#go();
      await this.#finish();
    } catch (error) {
      this.#faults.push(error instanceof Error ? error.message : String(error));
    } finally {
      const readers = [...this.#staying, ...this.#passing].map(({ reader }) => reader);
      for (const { process } of [...readers, this.#writer]) await process[Symbol.asyncDispose]();
    }
  }

  /** Measures and replaces until the time is over. */
  async #go(): Promise<void> {
    const { durationMs, restartMs, sampleMs } = this.#demand;
    const began = performance.now();
    const elapsed = (): number => performance.now() - began;
    let nextSample = 0;
    let nextRestart = restartMs;
    while (elapsed() < durationMs) {
      await delay(Math.max(0, Math.min(nextSample, nextRestart, durationMs) - elapsed()));
      if (elapsed() >= nextSample) {
        await this.#sample(elapsed());
        nextSample = Math.max(nextSample + sampleMs, elapsed());
      }
      if (elapsed() >= nextRestart && elapsed() < durationMs) {
        for (let place = 0; place < PLACES.length; place++) {
          await this.#leave(this.#passing[place]!);
          await this.#enter(place);
        }
        await this.#writer.reopen(STREAM_NAMES[this.#reopened++ % STREAM_NAMES.length]!);
        nextRestart += restartMs;
      }
    }
  }

  /** Stops the writer first, so that everybody has all at the end. */
  async #finish(): Promise<void> {
    await this.#writer.pause();
    for (const running of [...this.#passing.splice(0), ...this.#staying.splice(0)]) await this.#leave(running);
    await this.#writer.close();
  }

  async #sample(ms: number): Promise<void> {
    const running = [...this.#staying, ...this.#passing];
    const [sent, ...reports] = await Promise.all([
      this.#writer.collect(),
      ...running.map(({ reader }) => reader.collect()),
    ]);
    const processes: Record<string, ProcessUse> = {};
    const note = (name: string, pid: number): void => {
      const use = measureProcess(pid);
      if (use !== null) processes[name] = use;
    };
    note(this.#writer.name, this.#writer.process.pid);
    for (const { reader } of this.#staying) note(reader.name, reader.process.pid);
    note("RouDi", this.#roudi.pid);
    const past = [...this.#readings.values()];
    const total = (of: (report: SoakReaderReport) => number): number => reports.reduce((sum, now) => sum + of(now), 0);
    const sample: Sample = {
      ms,
      sent: sent!,
      processes,
      shared: measureShared(),
      restarts: this.#reopened,
      verified: past.reduce((sum, { verified }) => sum + verified, total(({ verified }) => verified)),
      missed: past.reduce((sum, { missed }) => sum + missed, total(({ missedBlocks }) => missedBlocks)),
    };
    this.#samples.push(sample);
    this.#demand.progress(sample);
  }

  async #start(feed: FeedName, runtime: RuntimeName, way: Way, role: string): Promise<Running> {
    const { stream } = FEEDS[feed];
    const before = (await this.#writer.ask("state"))[stream].next;
    const reader = new SoakReader(runtime, feed, way, role);
    await reader.ready();
    const joined = (await this.#writer.ask("state"))[stream].next;
    return { reader, before, joined };
  }

  /** The next reader of a place: every feed of it, in both runtimes and in both ways. */
  async #enter(place: number): Promise<void> {
    const turn = this.#turns[place]!++;
    const runtime = RUNTIMES[turn % RUNTIMES.length]!;
    const round = Math.floor(turn / RUNTIMES.length);
    const feeds = PLACES[place]!;
    const way = WAYS[(round + place) % WAYS.length]!;
    this.#passing[place] = await this.#start(feeds[round % feeds.length]!, runtime, way, "comes and goes");
  }

  /** Ends a reader, and looks whether its account is right. */
  async #leave({ reader, before, joined }: Running): Promise<void> {
    const { name, feed } = reader;
    const { stream } = FEEDS[feed];
    const told = (await this.#writer.ask("state"))[stream].next;
    const report = await reader.finish(told);
    const ended = (await this.#writer.ask("state"))[stream].next;
    for (const fault of discrepancies({ feed, before, joined, told, ended, report })) {
      this.#faults.push(`${name}: ${fault}`);
    }
    let reading = this.#readings.get(name);
    if (reading === undefined) {
      reading = { name, lives: 0, verified: 0, missed: 0, gaps: 0, dropped: 0 };
      this.#readings.set(name, reading);
    }
    reading.lives++;
    reading.verified += report.verified;
    reading.missed += report.missedBlocks;
    reading.gaps += report.gaps;
    reading.dropped += report.droppedByWriter;
  }
}

/** Runs one to its end. */
export async function runSoak(demand: SoakDemand): Promise<SoakResult> {
  // Without monitoring: on a machine that stalls for a moment it would take a process for dead that lives.
  await using roudi = await RouDi.start({ blocks: POOL_BLOCKS, monitoring: false });
  const soak = new Soak(demand, roudi);
  await soak.run();
  return soak.result;
}
