// SPDX-License-Identifier: Apache-2.0
import { OFFSET_DATA } from "../block/layout.ts";
import { isMarketDataType, type MarketDataType } from "../block/market_data_type.ts";
import { ArgumentError, ClosedError, DataTooLongError, TooManyLoansError } from "../errors.ts";
import { BlockLoan, type LoanOwner } from "./block_loan.ts";
import { type BlockWriter, NO_ROOM } from "./block_writer.ts";
import type { BroadcastCounters } from "./broadcast_counters.ts";
import { closeAll } from "./close_all.ts";
import type { RuntimeResource } from "./runtime.ts";

/** What has to send its rest before its broadcaster closes. */
export interface Flushable {
  close(): void;
}

/**
 * The part of a broadcaster that its loans, its record writers and its runtime refer to. It does not refer to the broadcaster,
 * so that one that a script lost can be found by the collector.
 */
export class BlockSender implements LoanOwner, RuntimeResource {
  readonly #stream: string;
  readonly #writer: BlockWriter;
  readonly #counters: BroadcastCounters;
  readonly #resources: Set<RuntimeResource>;
  /** Most data bytes of a block. */
  readonly dataMax: number;
  readonly #loans = new Set<BlockLoan>();
  readonly #flushables = new Set<WeakRef<Flushable>>();
  #closed = false;

  constructor(
    stream: string,
    writer: BlockWriter,
    counters: BroadcastCounters,
    resources: Set<RuntimeResource>,
    dataMax: number,
  ) {
    this.#stream = stream;
    this.#writer = writer;
    this.#counters = counters;
    this.#resources = resources;
    this.dataMax = dataMax;
    resources.add(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Publishes a copy of the data as one block; false when there is no room. The caller has checked the arguments. */
  send(
    data: Uint8Array,
    length: number,
    recordCount: number,
    type: number,
    recordSize: number,
    schemaId: number,
  ): boolean {
    const counters = this.#counters;
    const began = counters.timed ? performance.now() : 0;
    const writer = this.#writer;
    if (this.#loans.size > 0 && writer.loansMax === 1) this.#refuseBesideLoan();
    const token = this.#claim();
    if (token === NO_ROOM) {
      counters.refused++;
      return false;
    }
    const { window, offset } = writer;
    try {
      // Through a view of this block's data: nothing gets past its end.
      window.dataView(offset + OFFSET_DATA, this.dataMax).set(data);
    } catch (cause) {
      writer.abort(token);
      this.fail(new ArgumentError("broadcast", { condition: "the memory of the data was taken away", cause }));
    }
    if (!writer.commit(token, window, offset, length, recordCount, type, recordSize, schemaId)) {
      writer.abort(token);
      counters.refused++;
      return false;
    }
    counters.sent(recordCount, length, began);
    return true;
  }

  loan(): BlockLoan | null {
    this.requireOpen("loan a block");
    const { loansMax } = this.#writer;
    if (this.#loans.size >= loansMax) {
      this.fail(new TooManyLoansError("loan a block", { value: this.#loans.size + 1, limit: loansMax }));
    }
    const token = this.#claim();
    if (token === NO_ROOM) {
      this.#counters.refused++;
      return null;
    }
    const loan = new BlockLoan(this, token, this.#writer.window, this.#writer.offset);
    this.#loans.add(loan);
    return loan;
  }

  publishLoan(loan: BlockLoan, length: number, recordCount: number, type: MarketDataType): boolean {
    const action = "publish a loan";
    this.requireOpen(action);
    if (!Number.isInteger(length) || length < 0) {
      this.fail(new ArgumentError(action, { value: length, condition: "the length must be an integer from 0" }));
    }
    if (length > this.dataMax) this.fail(new DataTooLongError(action, { value: length, limit: this.dataMax }));
    this.checkCount(recordCount, type, action);
    const began = this.#counters.timed ? performance.now() : 0;
    const size = recordSizeOf(length, recordCount);
    try {
      if (!this.#writer.commit(loan.token, loan.window, loan.offset, length, recordCount, type, size, 0)) {
        this.#counters.refused++;
        return false;
      }
    } catch (error) {
      this.fail(error as Error);
    }
    this.#loans.delete(loan);
    this.#counters.sent(recordCount, length, began);
    return true;
  }

  discardLoan(loan: BlockLoan): void {
    if (this.#loans.delete(loan)) this.#writer.abort(loan.token);
  }

  /** Closes `flushable` before the port goes, unless it was lost. */
  addFlushable(flushable: Flushable): void {
    this.#flushables.add(new WeakRef(flushable));
  }

  checkCount(recordCount: unknown, type: unknown, action: string): void {
    if (!Number.isSafeInteger(recordCount) || (recordCount as number) < 0) {
      this.fail(
        new ArgumentError(action, { value: recordCount, condition: "the record count must be an integer from 0" }),
      );
    }
    if (!isMarketDataType(type)) {
      this.fail(new ArgumentError(action, { value: type, condition: "the type must be one of MarketDataType" }));
    }
  }

  renew(): void {
    this.#writer.renew();
    for (const loan of this.#loans) {
      if (this.#writer.isRevoked(loan.token)) loan.lose();
    }
  }

  requireOpen(action: string): void {
    if (this.#closed) {
      this.fail(new ClosedError(action, { condition: `the broadcaster of ${JSON.stringify(this.#stream)} is closed` }));
    }
  }

  /** Counts an error and throws it. */
  fail(error: Error): never {
    this.#counters.errors++;
    throw error;
  }

  close(): void {
    if (this.#closed) return;
    try {
      // Loans first: a ring has one block being written at a time, and what the writers hold needs it.
      for (const loan of [...this.#loans]) {
        this.discardLoan(loan);
        loan.revoke();
      }
      closeAll([...this.#flushables].map((reference) => reference.deref()));
    } catch (error) {
      this.fail(error as Error);
    } finally {
      this.#closed = true;
      this.#resources.delete(this);
      for (const loan of this.#loans) loan.revoke();
      this.#loans.clear();
      this.#writer.close();
    }
  }

  #refuseBesideLoan(): never {
    this.fail(
      new TooManyLoansError("broadcast", {
        condition: "a block is loaned, and a ring has one block being written at a time",
        value: 2,
        limit: 1,
      }),
    );
  }

  #claim(): number {
    try {
      return this.#writer.claim();
    } catch (error) {
      this.fail(error as Error);
    }
  }
}

/** Bytes of one of `count` records, or 0 when they have no common size. */
export function recordSizeOf(length: number, count: number): number {
  const size = length / count;
  return Number.isInteger(size) ? size : 0;
}
