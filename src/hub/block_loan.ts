// SPDX-License-Identifier: Apache-2.0
import { OFFSET_DATA } from "../block/layout.ts";
import type { MarketDataType } from "../block/market_data_type.ts";
import type { Window } from "../block/window.ts";
import { NotLoanedError } from "../errors.ts";

/** What a loan needs of its broadcaster. */
export interface LoanOwner {
  /** Most data bytes of a block. */
  readonly dataMax: number;
  publishLoan(loan: BlockLoan, length: number, recordCount: number, type: MarketDataType): boolean;
  discardLoan(loan: BlockLoan): void;
}

/**
 * A block to be written in place: no copy, or one with `checksum`, so that nobody can spoil a block before it has its checksum. It
 * belongs to the broadcaster that gave it, which takes it back when it closes.
 *
 * @example Writing a block in place
 * ```ts
 * import { BroadcastConfig, DataBroadcaster, MarketDataType, Runtime } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * using out = new DataBroadcaster(new BroadcastConfig(), "loan_example", { runtime });
 * using loan = out.loan();
 * if (loan !== null) {
 *   loan.data.set([1, 2, 3]);
 *   loan.publish(3, 1, MarketDataType.Unknown);
 * }
 * ```
 */
export class BlockLoan {
  /** @internal */
  readonly token: number;
  /** @internal */
  readonly window: Window;
  /** @internal */
  readonly offset: number;
  #owner: LoanOwner | null;
  #isLost = false;

  /** @internal */
  constructor(owner: LoanOwner, token: number, window: Window, offset: number) {
    this.#owner = owner;
    this.token = token;
    this.window = window;
    this.offset = offset;
  }

  /**
   * The 8160 data bytes, or 8136 with `checksum`, in shared memory. What they hold is of some block before. The view must not be used
   * after publishing: it then lies over a block that others read. Empty when the daemon took the memory away, which happens on the
   * queue lane alone.
   *
   * @throws {NotLoanedError} After publish or discard.
   */
  get data(): Uint8Array {
    const { dataMax } = this.#requireOwner("write into a loan");
    if (this.#isLost) return new Uint8Array();
    return this.window.dataView(this.offset + OFFSET_DATA, dataMax);
  }

  /**
   * Publishes the block.
   *
   * @param length Data bytes used, 0 to 8160; 8136 with `checksum`.
   * @param recordCount Records in them.
   * @param type What they are.
   * @returns Whether there was room. False, and the loan stays, on a lossless stream of several broadcasters, when another one took
   * the room since the loan; and on the queue lane when the daemon died since: then it has no memory any more.
   * @throws {NotLoanedError} When it was published or discarded before.
   * @throws {DataTooLongError} When `length` is more than a block has.
   */
  publish(length: number, recordCount: number, type: MarketDataType): boolean {
    if (!this.#requireOwner("publish a loan").publishLoan(this, length, recordCount, type)) return false;
    this.#owner = null;
    return true;
  }

  /** Gives the block back unpublished. Doing it again, or after publish, does nothing. */
  discard(): void {
    const owner = this.#owner;
    this.#owner = null;
    owner?.discardLoan(this);
  }

  /** The same as {@linkcode BlockLoan.discard}: a loan that was published is left alone. */
  [Symbol.dispose](): void {
    this.discard();
  }

  /** @internal The stack took the memory away. */
  lose(): void {
    this.#isLost = true;
  }

  /** @internal The broadcaster closed: nothing is to be given back any more. */
  revoke(): void {
    this.#owner = null;
  }

  #requireOwner(action: string): LoanOwner {
    if (this.#owner === null) throw new NotLoanedError(action);
    return this.#owner;
  }
}
