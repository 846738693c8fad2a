// SPDX-License-Identifier: Apache-2.0
// One thread's way through an episode: the calls, then all is read to the end, compared and closed, step by step with the others.
import { MarketDataType, type MemoryHandle, type Runtime } from "../../mod.ts";
import { waitFor } from "../support/wait.ts";
import { CALLS } from "./calls.ts";
import type { Episode } from "./episode.ts";
import { fillBytes, ownWord } from "./content.ts";
import { endLoop } from "./looping.ts";
import { Machine, turn } from "./machine.ts";
import type { ReaderReport } from "./reader.ts";
import type { Whereabouts } from "./whereabouts.ts";
import type { WriterReport } from "./writer.ts";

/** How long what is due may take. */
const DUE_MS = 60_000;

/** What the threads do together, one after the other. */
export const STEPS = ["run", "settle", "drain", "leave", "close"] as const;
export type Step = (typeof STEPS)[number];

/** What a thread tells after a step. */
export interface PartReport {
  readonly fault: { readonly text: string; readonly index: number } | null;
  readonly calls: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Records that no room was found for yet. */
  readonly pending: number;
  readonly writers: readonly WriterReport[];
  readonly readers: readonly ReaderReport[];
}

/** One thread of an episode. */
export class Part {
  readonly #machine: Machine;
  readonly #alone: boolean;
  #said = false;

  constructor(episode: Episode, worker: number, handle?: MemoryHandle, where?: Whereabouts) {
    this.#machine = new Machine(CALLS, episode, worker, handle);
    this.#machine.where = where;
    this.#alone = this.#machine.setting.workers === 1;
  }

  /** The runtime whose memory the other threads share. */
  get runtime(): Runtime {
    return this.#machine.runtimes[0]!;
  }

  /** Takes one step. */
  async step(step: Step): Promise<PartReport> {
    const machine = this.#machine;
    try {
      if (step === "run") await machine.run();
      else if (step === "settle") await this.#settle();
      else if (step === "drain") await this.#drain();
      else if (step === "leave") await this.#leave();
      else await this.#close();
    } catch (error) {
      machine.fail(`${step}: the fuzzer itself threw ${(error as Error).stack}`);
    }
    const { fault, tally: { calls, errors }, writers, readers } = machine;
    return {
      fault,
      calls,
      errors,
      pending: writers.reduce((sum, writer) => sum + writer.toBeSent, 0),
      writers: writers.map((writer) => writer.report()),
      readers: readers.map((reader) => reader.report()),
    };
  }

  /** Nothing is on its way any more: no loop, no loan, no record in a writer. May have to be taken again when others have read. */
  async #settle(): Promise<void> {
    const machine = this.#machine;
    for (const reader of machine.readers) {
      while (reader.loops.length > 0) await endLoop(machine, reader, reader.loops[0]!, 1);
    }
    for (const writer of machine.writers) {
      for (const loan of writer.loans.splice(0)) loan.discard();
      if (writer.closed) continue;
      writer.sync();
      for (const gatherer of writer.gatherers) {
        const { pending } = gatherer;
        if (pending === 0) continue;
        const flushed = machine.attempt("flush at the end", () => gatherer.writer.flush());
        if (!flushed.ok) {
          machine.expect(flushed.code === "QIPC_SEQUENCE_EXHAUSTED", () => `flush at the end: ${flushed.code}`);
          continue;
        } else if (!flushed.value) {
          writer.refused();
          continue;
        } else writer.sent(pending, pending * gatherer.size);
        gatherer.pending = 0;
      }
    }
    this.#read();
    machine.checkAll();
  }

  /** A last block of every broadcaster, and everything is read. */
  async #drain(): Promise<void> {
    const machine = this.#machine;
    if (!this.#said) {
      this.#said = true;
      for (const writer of machine.writers) {
        if (writer.closed || writer.next > Number.MAX_SAFE_INTEGER) continue;
        const data = new Uint8Array(8);
        fillBytes(data, ownWord(writer.out.epoch, writer.next));
        const sent = machine.attempt(
          "broadcast at the end",
          () => writer.out.broadcast(data, 1, MarketDataType.Unknown),
        );
        if (!sent.ok) machine.fail(`the last block failed with ${sent.code}`);
        else if (sent.value) writer.sent(1, data.length);
        else writer.refused();
      }
    }
    this.#read();
    await turn();
    machine.checkAll();
    if (this.#alone) { for (const reader of machine.readers) reader.checkSum(); }
  }

  #read(): void {
    for (const reader of this.#machine.readers) {
      if (reader.feed.closed) continue;
      const polled = this.#machine.attempt("poll at the end", () => {
        while (reader.feed.poll((block) => void reader.took(block)) > 0);
      });
      if (!polled.ok) reader.refused = true;
    }
  }

  /** Subscribers go, and the broadcasters see it. */
  async #leave(): Promise<void> {
    const machine = this.#machine;
    for (const reader of machine.readers) {
      for (const held of reader.held) if (!reader.feed.closed) reader.checkHeld(held);
      reader.feed.close();
      for (const { block } of reader.held) machine.expect(block.released, () => "a held block outlived its subscriber");
      reader.check();
    }
    for (const manager of machine.managers) {
      for (const stream of machine.setting.streams) {
        for (const feed of manager.getSubscribers(stream.name)) feed.close();
      }
    }
    await turn();
  }

  /** Nobody is subscribed any more; then everything is closed. */
  async #close(): Promise<void> {
    const machine = this.#machine;
    for (const writer of machine.writers) {
      if (writer.closed) continue;
      await waitFor(() => writer.out.getSubscriberCount() === 0, {
        timeoutMs: DUE_MS,
        what: "a count of no subscribers",
      });
      writer.check();
      writer.close(() => void machine.attempt("close at the end", () => writer.out.close()));
    }
    for (const manager of machine.managers) manager.close();
    for (const runtime of machine.runtimes) runtime.close();
    machine.checkAll();
    const late = machine.attempt("loan of a closed runtime", () => machine.writers[0]?.out.loan());
    machine.expect(machine.writers.length === 0 || !late.ok, () => "a broadcaster outlived its runtime");
  }
}
