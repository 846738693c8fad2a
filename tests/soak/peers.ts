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
  readonly runtime: RuntimeName;
  readonly process: Process;

  constructor(runtime: RuntimeName, process: Process) {
    this.runtime = runtime;
    this.process = process;
  }

  async ready(): Promise<void> {
    const line = await this.process.nextLine(PATIENCE);
    if (line !== "ready") throw new Error(`A process of the soak run is not ready: ${this.process.report()}`);
  }

  async ask(command: string): Promise<Report> {
    this.process.writeLine(command);
    return JSON.parse(await this.process.nextLine(PATIENCE)) as Report;
  }

  /** Lets it collect its garbage. */
  collect(): Promise<Report> {
    return this.ask("gc");
  }

  /** Ends its input, and resolves when it has ended in order. */
  async close(): Promise<void> {
    this.process.closeInput();
    const { code } = await this.process.exited(PATIENCE);
    if (code !== 0) throw new Error(`A process of the soak run failed: ${this.process.report()}`);
  }
}

/** The writer. */
export class SoakWriter extends SoakPeer<SoakWriterReport> {
  constructor(runtime: RuntimeName, demand: SoakWriterDemand) {
    super(runtime, startScript("tests/soak/writer.ts", [JSON.stringify(demand)], { runtime }));
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

  constructor(runtime: RuntimeName, feed: FeedName, way: Way) {
    super(runtime, startScript("tests/soak/reader.ts", [feed, way], { runtime }));
    this.feed = feed;
  }

  /** Lets it read on until the block before this sequence, and stop. */
  async finish(next: number): Promise<SoakReaderReport> {
    const report = await this.ask(`end ${next}`);
    await this.close();
    return report;
  }
}
