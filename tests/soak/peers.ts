// SPDX-License-Identifier: Apache-2.0
// The processes of a soak run, as the run talks to them.
import { type Process, startScript } from "../support/process.ts";
import type { RuntimeName } from "../support/runtime.ts";
import type { SoakReaderReport, Way } from "./reader.ts";
import type { FeedName, StreamName } from "./streams.ts";
import type { SoakWriterDemand, SoakWriterReport } from "./writer.ts";

/** Only what hangs takes as long. */
const PATIENCE = { timeoutMs: 120_000 };

/** A process that says something for each line that it is told. */
class SoakPeer<Report> {
  /** What it is called in messages and tables. */
  readonly name: string;
  readonly runtime: RuntimeName;
  readonly process: Process;

  constructor(name: string, runtime: RuntimeName, process: Process) {
    this.name = name;
    this.runtime = runtime;
    this.process = process;
  }

  async ready(): Promise<void> {
    const line = await this.#nextLine();
    if (line !== "ready") throw this.#failure();
  }

  async ask(command: string): Promise<Report> {
    this.process.writeLine(command);
    return JSON.parse(await this.#nextLine()) as Report;
  }

  /** Lets it collect its garbage. */
  collect(): Promise<Report> {
    return this.ask("gc");
  }

  /** Ends its input, and resolves when it has ended in order. */
  async close(): Promise<void> {
    this.process.closeInput();
    const { code } = await this.process.exited(PATIENCE);
    if (code !== 0) throw this.#failure();
  }

  async #nextLine(): Promise<string> {
    try {
      return await this.process.nextLine(PATIENCE);
    } catch {
      throw this.#failure();
    }
  }

  /** Without all that it has said in an hour. */
  #failure(): Error {
    const { exit, lines, stderr } = this.process;
    return new Error(`${this.name} failed: ${JSON.stringify(exit)}, its last line: ${lines.at(-1)}\n${stderr}`);
  }
}

/** The writer. */
export class SoakWriter extends SoakPeer<SoakWriterReport> {
  constructor(runtime: RuntimeName, demand: SoakWriterDemand) {
    super(`writer (${runtime})`, runtime, startScript("tests/soak/writer.ts", [JSON.stringify(demand)], { runtime }));
  }

  /** Ends the broadcaster of a stream and makes the next one. */
  reopen(stream: StreamName): Promise<SoakWriterReport> {
    return this.ask(`reopen ${stream}`);
  }

  /** Stops sending. */
  pause(): Promise<SoakWriterReport> {
    return this.ask("pause");
  }
}

/** A reader. */
export class SoakReader extends SoakPeer<SoakReaderReport> {
  readonly feed: FeedName;

  constructor(runtime: RuntimeName, feed: FeedName, way: Way, role: string) {
    super(`${feed}, ${role} (${runtime})`, runtime, startScript("tests/soak/reader.ts", [feed, way], { runtime }));
    this.feed = feed;
  }

  /** Lets it read on until the block before this sequence, and stop. */
  async finish(next: number): Promise<SoakReaderReport> {
    const report = await this.ask(`end ${next}`);
    await this.close();
    return report;
  }
}
