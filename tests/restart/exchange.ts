// SPDX-License-Identifier: Apache-2.0
// A stream in each direction between a test and two other processes, of which one runs in the other runtime, while what connects them
// is taken away and comes back.
import { readdirSync, readFileSync } from "node:fs";
import { assertEquals } from "@std/assert";
import {
  type Block,
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  type ReceiveStats,
  type Runtime,
  type RuntimeOptions,
  type RuntimeState,
} from "../../mod.ts";
import { epochOf } from "../ring/epoch.ts";
import { faultOf, sendAll } from "../ring/payload.ts";
import { meanwhile, otherRuntime, ReaderPeer, WriterPeer } from "../ring/peers.ts";
import { waitFor } from "../support/wait.ts";

/** Of a configuration. */
export type Fields = Partial<BroadcastConfigFields>;
/** What is promised is 2 s. */
export const BOUND_MS = 5 * 2000;

/** The states that a runtime tells of. */
export function statesOf(runtime: Runtime): RuntimeState[] {
  const states: RuntimeState[] = [];
  runtime.addEventListener("statechange", (event) => states.push(event.state));
  return states;
}

/** Reads what is there into `got`. */
export function drain(feed: DataSubscriber, got: number[]): void {
  while (
    feed.poll((block: Block) => {
      assertEquals(faultOf(block), "");
      got.push(block.sequence);
    }) > 0
  );
}

/** A stream in each direction between this process and one of the other runtime. */
export class Exchange implements AsyncDisposable {
  readonly out: DataBroadcaster;
  readonly feed: DataSubscriber;
  readonly reader: ReaderPeer;
  readonly writer: WriterPeer;
  readonly got: number[] = [];
  readonly #config: Fields;

  private constructor(
    config: Fields,
    out: DataBroadcaster,
    feed: DataSubscriber,
    reader: ReaderPeer,
    writer: WriterPeer,
  ) {
    this.#config = config;
    this.out = out;
    this.feed = feed;
    this.reader = reader;
    this.writer = writer;
  }

  /** Starts both peers, whose runtimes are opened with the options. */
  static async start(runtime: Runtime, config: Fields, options: RuntimeOptions = {}): Promise<Exchange> {
    const out = new DataBroadcaster(new BroadcastConfig(config), "there", { runtime });
    const feed = new DataSubscriber(new BroadcastConfig(config), "back", { runtime });
    const reader = await ReaderPeer.start("there", { runtime: options, config, way: "for await" });
    const writer = await WriterPeer.start("back", { runtime: options, config }, { runtime: otherRuntime });
    await waitFor(() => out.hasSubscribers());
    return new Exchange(config, out, feed, reader, writer);
  }

  /** Sends and receives so many more blocks in each direction. */
  async go(count: number): Promise<void> {
    const wanted = this.got.length + count;
    this.writer.process.writeLine("run 4");
    const end = this.out.nextSequence + count;
    await waitFor(() => {
      if (this.out.nextSequence < end) sendAll(this.out, 10);
      drain(this.feed, this.got);
      return this.out.nextSequence >= end && this.got.length >= wanted;
    }, { what: `${count} blocks in each direction` });
    await this.during(this.reader.ask(`until ${end - 1}`));
  }

  /** What resolves while this process goes on reading: a lossless writer waits for it, and hears nothing meanwhile. */
  during<T>(promise: Promise<T>): Promise<T> {
    return meanwhile(() => drain(this.feed, this.got), promise);
  }

  /**
   * Ends the reader, and proves that both ends have counted each block of both directions, and lost none on a ring.
   *
   * @returns What this process has received.
   */
  async settle(): Promise<ReceiveStats> {
    await this.during(this.writer.ask("stats"));
    await waitFor(() => {
      const before = this.got.length;
      drain(this.feed, this.got);
      return this.got.length === before;
    });
    const stats = this.feed.getReceiveStats();
    const [first, last] = [this.got[0]!, this.got.at(-1)!];
    assertEquals(stats.receivedBlocks, this.got.length);
    assertEquals(stats.receivedBlocks + stats.missedBlocks, last - first + 1);
    assertEquals(this.out.getStats().errors, 0);
    const report = await this.reader.finish();
    assertEquals(report.receivedBlocks + report.missedBlocks, this.out.nextSequence - report.runs[0]!.first);
    assertEquals(report.runs.map(({ epoch }) => epoch), [epochOf(this.out)]);
    assertEquals([stats.broadcasters, report.broadcasters], [1, 1]);
    if (this.#config.lane !== "queue") {
      assertEquals([stats.missedBlocks, report.missedBlocks, report.faults], [0, 0, []]);
    } else {
      assertEquals(report.faults.filter((fault) => !fault.includes("came after")), []);
    }
    return stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]();
    await this.reader[Symbol.asyncDispose]();
    this.out.close();
    this.feed.close();
  }
}

/** Resolves, when all three are attached again, to how long that took. */
export async function attachedAgain(runtime: Runtime, exchange: Exchange): Promise<number> {
  const began = performance.now();
  await exchange.during(waitFor(() => runtime.state === "attached"));
  for (const peer of [exchange.reader, exchange.writer]) {
    await exchange.during(waitFor(async () => (await peer.ask("stats")).runtime === "attached"));
  }
  return performance.now() - began;
}

/** What a process has of what is limited. */
export interface Taken {
  readonly descriptors: number;
  readonly mappings: number;
  readonly threads: number;
}

/** What a process has of it now: descriptors, mappings of shared memory, and threads of the library and its stack. */
export function takenBy(pid: number): Taken {
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    mappings: readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").filter((line) => line.includes("/dev/shm")).length,
    threads: readdirSync(`/proc/${pid}/task`).filter((task) => {
      try {
        return /^(qipc|iox)/i.test(readFileSync(`/proc/${pid}/task/${task}/comm`, "utf8"));
      } catch {
        return false; // It has ended meanwhile.
      }
    }).length,
  };
}
