// SPDX-License-Identifier: Apache-2.0
import { type Block, defineRecord, MarketDataType, type RecordSchema } from "../../mod.ts";
import { Payload } from "./payload.ts";

/** What the two ends of a ping-pong do with each block. `bench/floor/pingpong.c` copies. */
export interface Exchange {
  /** Whether what was taken is at hand only as long as the handler runs. */
  readonly inHandler: boolean;
  readonly recordCount: number;
  readonly type: MarketDataType;
  /** The bytes of block `i`. Not timed. */
  prepare(i: number): Uint8Array;
  /** Called in the handler, within the time. */
  take(block: Block): void;
  /** The bytes of the answer: what was taken. Called within the time. */
  answer(): Uint8Array;
  /** Sums up what was taken. Not timed. */
  check(): void;
  /** Of all that was prepared and of all that was taken. */
  readonly sentSum: number;
  readonly takenSum: number;
  /** Blocks that were not as they should be. */
  readonly faults: number;
}

/** What a ping-pong may do with its blocks. */
export type Work = "copy" | "lent" | "flag";

/** One end's part in a ping-pong of blocks with so many used bytes. */
export function makeExchange(work: Work, bytes: number): Exchange {
  if (work === "flag") return new FlagExchange();
  return work === "lent" ? new LentExchange(bytes) : new CopyExchange(bytes);
}

/** Copies the used bytes out of each block, and sums them up later. */
class CopyExchange implements Exchange {
  readonly inHandler = false;
  readonly type: MarketDataType = MarketDataType.Tick;
  sentSum = 0;
  takenSum = 0;
  faults = 0;
  readonly #payload: Payload;
  readonly #received: Uint8Array;
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#payload = new Payload(bytes);
    this.#received = this.#payload.received;
  }

  get recordCount(): number {
    return this.#payload.recordCount;
  }

  prepare(i: number): Uint8Array {
    const data = this.#payload.at(i);
    this.sentSum = (this.sentSum + this.#payload.sumOf(i)) | 0;
    return data;
  }

  take(block: Block): void {
    const data = block.data;
    if (data.length === this.#bytes) this.#received.set(data);
    else this.faults++;
  }

  answer(): Uint8Array {
    return this.#received;
  }

  check(): void {
    this.takenSum = (this.takenSum + this.#payload.sumReceived()) | 0;
  }
}

/**
 * Takes each block as the lane hands it out, which is a copy already where a lossy ring is read `stable`: nothing is copied twice.
 * The copy is the handler's as long as that runs, so it answers and sums up within.
 */
class LentExchange implements Exchange {
  readonly inHandler = true;
  readonly type: MarketDataType = MarketDataType.Tick;
  sentSum = 0;
  takenSum = 0;
  faults = 0;
  readonly #payload: Payload;
  readonly #bytes: number;
  #lent: Uint8Array = new Uint8Array(0);

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#payload = new Payload(bytes);
  }

  get recordCount(): number {
    return this.#payload.recordCount;
  }

  prepare(i: number): Uint8Array {
    const data = this.#payload.at(i);
    this.sentSum = (this.sentSum + this.#payload.sumOf(i)) | 0;
    return data;
  }

  take(block: Block): void {
    this.#lent = block.data;
  }

  answer(): Uint8Array {
    return this.#lent;
  }

  check(): void {
    if (this.#lent.length === this.#bytes) this.#payload.received.set(this.#lent);
    else this.faults++;
    this.takenSum = (this.takenSum + this.#payload.sumReceived()) | 0;
  }
}

/** A block that says one number. */
const Flag: RecordSchema<{ readonly value: "f64" }> = defineRecord("BenchFlag", { value: "f64" });

/** Touches eight bytes of each block in place: reads one number, which must still be intact after it. */
class FlagExchange implements Exchange {
  readonly inHandler = false;
  readonly recordCount = 1;
  readonly type: MarketDataType = MarketDataType.Unknown;
  sentSum = 0;
  takenSum = 0;
  faults = 0;
  /** What is sent and what was taken. In an array, so that no number is allocated. */
  readonly #numbers: Float64Array = new Float64Array(2);
  readonly #sent: Uint8Array = new Uint8Array(this.#numbers.buffer, 0, 8);
  readonly #taken: Uint8Array = new Uint8Array(this.#numbers.buffer, 8, 8);

  prepare(i: number): Uint8Array {
    this.#numbers[0] = i;
    this.sentSum = (this.sentSum + i) | 0;
    return this.#sent;
  }

  take(block: Block): void {
    this.#numbers[1] = block.records(Flag).at(0).value;
    if (!block.intact) this.faults++;
  }

  answer(): Uint8Array {
    return this.#taken;
  }

  check(): void {
    this.takenSum = (this.takenSum + this.#numbers[1]) | 0;
  }
}
