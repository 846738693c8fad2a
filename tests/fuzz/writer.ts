// SPDX-License-Identifier: Apache-2.0
// A broadcaster, and what it should be like after all that was done with it.
import { type BlockLoan, ClosedError, type DataBroadcaster, type RecordFields, type RecordWriter } from "../../mod.ts";
import type { Machine } from "./machine.ts";

/** A writer of records. */
export interface Gatherer {
  readonly writer: RecordWriter<RecordFields>;
  readonly schema: unknown;
  readonly size: number;
  pending: number;
}

/** What a broadcaster tells at the end of an episode. */
export interface WriterReport {
  readonly stream: string;
  readonly epoch: bigint;
  readonly first: number;
  readonly next: number;
  readonly closed: boolean;
  readonly ringed: boolean;
}

/** A broadcaster and its model. */
export class Writer {
  readonly loans: BlockLoan[] = [];
  readonly gatherers: Gatherer[] = [];
  readonly first: number;
  /** Whether it has a ring. */
  readonly ringed: boolean;
  readonly lossless: boolean;
  next: number;
  #closed = false;
  #blocks = 0;
  #records = 0;
  #bytes = 0;
  #refused = 0;
  readonly #machine: Machine;

  constructor(machine: Machine, readonly out: DataBroadcaster, first: number) {
    this.#machine = machine;
    this.first = this.next = first;
    this.ringed = out.config.lane !== "queue";
    this.lossless = out.config.delivery === "lossless";
    machine.expect(out.nextSequence === first, () => `begins with ${out.nextSequence}, not ${first}`);
  }

  get closed(): boolean {
    if (this.#closed) return true;
    try {
      this.out.getSubscriberCount();
    } catch (error) {
      // Its runtime was closed.
      if (error instanceof ClosedError) this.close(() => {});
      else this.#machine.fail(`a broadcaster does not count its subscribers: ${error}`);
    }
    return this.#closed;
  }

  /** Records that are to be sent, and can be. */
  get toBeSent(): number {
    if (this.next > Number.MAX_SAFE_INTEGER) return 0;
    return this.gatherers.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** A block went out. */
  sent(records: number, bytes: number, blocks: number = 1): void {
    this.#blocks += blocks;
    this.#records += records;
    this.#bytes += bytes;
    this.next += blocks;
  }

  /** There was no room. Only the queue lane alone gives a number to what its readers will never see. */
  refused(): void {
    this.#refused++;
    if (this.lossless) return;
    this.#machine.expect(!this.ringed, () => "a lossy ring had no room");
    this.next++;
  }

  /** Statistics begin anew. */
  reset(): void {
    this.#blocks =
      this.#records =
      this.#bytes =
      this.#refused =
        0;
  }

  /** Closes it; what its gatherers had may have been sent, or found no room. */
  close(how: () => void): void {
    this.sync();
    const most = this.gatherers.filter(({ pending }) => pending > 0).length;
    how();
    this.#closed = true;
    this.loans.length = this.gatherers.length = 0;
    const { sentBlocks, sentRecords, sentBytes, refusedBlocks } = this.out.getStats();
    const sent = sentBlocks - this.#blocks;
    this.#machine.expect(sent >= 0 && sent <= most, () => `sent ${sent} blocks at its end, of ${most}`);
    const gone = this.out.nextSequence - this.next;
    this.#machine.expect(
      gone >= sent && gone <= most,
      () => `counted ${gone} blocks on at its end, of ${sent} to ${most}`,
    );
    this.#blocks = sentBlocks;
    this.#records = sentRecords;
    this.#bytes = sentBytes;
    this.#refused = refusedBlocks;
    this.next += gone;
  }

  /** Notes what timers have sent. */
  sync(): void {
    for (const gatherer of this.gatherers) {
      const { pending } = gatherer.writer;
      if (pending === gatherer.pending) continue;
      this.#machine.expect(pending === 0, () => `a writer has ${pending} of its ${gatherer.pending} records`);
      this.sent(gatherer.pending, gatherer.pending * gatherer.size);
      gatherer.pending = pending;
    }
  }

  /** Compares it with what it should be like. */
  check(): void {
    if (!this.closed) this.sync();
    const { out } = this;
    const { sentBlocks, sentRecords, sentBytes, refusedBlocks } = out.getStats();
    // Sums beyond what a number holds exactly depend on the order of adding.
    const isExact = Math.max(sentRecords, this.#records) <= Number.MAX_SAFE_INTEGER;
    const is = [sentBlocks, isExact && sentRecords, sentBytes].join(" ");
    const should = [this.#blocks, isExact && this.#records, this.#bytes].join(" ");
    this.#machine.expect(is === should, () => `the broadcaster sent ${is}, not ${should} blocks, records and bytes`);
    // Timers that found no room are not seen from here; on the queue lane alone each took a number.
    const unseen = refusedBlocks - this.#refused;
    const mayRefuse = this.gatherers.length > 0 || unseen === 0;
    this.#machine.expect(unseen >= 0 && mayRefuse, () => `refused ${refusedBlocks}, not ${this.#refused} blocks`);
    this.#refused = refusedBlocks;
    if (!this.ringed && !this.lossless) this.next += unseen;
    this.#machine.expect(out.nextSequence === this.next, () => `goes on with ${out.nextSequence}, not ${this.next}`);
  }

  report(): WriterReport {
    const { stream, epoch, config: { serviceName } } = this.out;
    return {
      stream: `${serviceName}/${stream}`,
      epoch,
      first: this.first,
      next: this.next,
      closed: this.closed,
      ringed: this.ringed,
    };
  }
}
