// SPDX-License-Identifier: Apache-2.0
import process from "node:process";
import { Program } from "./program.ts";
import type { Progress } from "./progress.ts";
import type { FeedResult, ServiceResult, StrategyResult } from "./results.ts";

/** What the three scripts printed as their results. */
export interface Results {
  readonly feed: FeedResult;
  readonly strategy: StrategyResult;
  readonly service: ServiceResult;
}

/** What everything but the broadcast itself may take, at the very most. */
const GRACE_MS = 60_000;
const READERS = 2;
const DENO = ["deno", "run", "--quiet", "--no-prompt", "--allow-ffi"];

/** Runs the feed and its two readers together. */
export class Broadcast {
  readonly #file: string;
  readonly #barsPerSecond: number;
  readonly #bars: number;
  #programs: Program[] = [];
  #failure: string | null = null;

  constructor(file: string, barsPerSecond: number, bars: number) {
    this.#file = file;
    this.#barsPerSecond = barsPerSecond;
    this.#bars = bars;
  }

  /**
   * Sends the file over one lane.
   *
   * @param lane The lane.
   * @param progress Where to show how far the feed is.
   * @param isTold Whether what the readers print is shown.
   * @returns What the scripts printed at their ends.
   * @throws {Error} When one of them failed; the others were ended then.
   */
  async run(lane: "ring" | "queue", progress: Progress, isTold: boolean): Promise<Results> {
    // Where the demo can have no RouDi of its own, two demos still meet on streams of their own.
    const stream = `sp500-${process.pid}`;
    this.#programs = [];
    const limitMs = (this.#bars / this.#barsPerSecond) * 1000 + GRACE_MS;
    const timer = setTimeout(() => this.#fail(`it did not end within ${Math.round(limitMs / 1000)} s`), limitMs);
    const tell = (name: string) => (line: string): void => {
      if (isTold) progress.line(line.replace(" ", ` ${name.padEnd(9)} `));
    };

    let feed!: Program;
    // The readers start when the stream is offered.
    await new Promise<void>((resolve) => {
      const args = [
        "--allow-read",
        "examples/feed.ts",
        this.#file,
        `${this.#barsPerSecond}`,
        `${READERS}`,
        stream,
        lane,
      ];
      feed = this.#start("feed", [...DENO, ...args], (line) => {
        if (line.startsWith("waiting")) return resolve();
        const [date, sent, , all] = line.split(" ");
        progress.at(date!, Number(sent), Number(all));
      });
      void feed.ended.then(() => resolve());
    });
    const strategy = this.#start("strategy", [...DENO, "examples/strategy.ts", stream, lane], tell("strategy"));
    const service = this.#start("service", ["bun", "run", "examples/service.ts", stream, lane], tell("service"));

    await Promise.all(this.#programs.map((program) => program.ended));
    clearTimeout(timer);
    progress.end();
    if (this.#failure !== null) throw new Error(this.#failure);
    return {
      feed: feed.result as FeedResult,
      strategy: strategy.result as StrategyResult,
      service: service.result as ServiceResult,
    };
  }

  /** Asks all that run to end. */
  stop(): void {
    for (const program of this.#programs) program.stop();
  }

  #start(name: string, command: readonly string[], onLine: (line: string) => void): Program {
    const program = new Program(name, command, onLine);
    this.#programs.push(program);
    void program.ended.then((what) => {
      if (what !== null) this.#fail(what);
    });
    if (this.#failure !== null) program.stop();
    return program;
  }

  /** What went wrong first counts. */
  #fail(what: string): void {
    this.#failure ??= what;
    this.stop();
  }
}
