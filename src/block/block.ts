// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, NotABlockError, SchemaMismatchError } from "../errors.ts";
import {
  hasTrailer,
  readDataType,
  readEpochHigh,
  readEpochLow,
  readFlags,
  readRecordCount,
  readRecordSize,
  readSchemaId,
  readSchemaWord,
  readSequence,
  readSourceSequence,
  readTimestampMs,
  readTimestampNs,
  usedLength,
} from "./header.ts";
import { FLAG_LENGTH, OFFSET_DATA } from "./layout.ts";
import { type MarketDataType, marketDataTypeOf } from "./market_data_type.ts";
import type { RecordFields } from "./record/field_types.ts";
import { compiledOf, isSchema, type RecordSchema } from "./record/record_schema.ts";
import type { BindableView, RecordView } from "./record/record_view.ts";
import { describeSchema } from "./record/schema_id.ts";
import { failReleased } from "./released.ts";
import type { Window } from "./window.ts";

/** Who a block goes back to. */
export interface BlockOwner {
  /** Takes the block back. Called once for each binding, with the token that it was bound with. */
  releaseBlock(token: number): void;
  /** Whether the memory of the block is still what it was when it was bound. An owner without this promises that it is. */
  isBlockIntact?(token: number): boolean;
}

type AnyView = BindableView<RecordFields>;

/** What no caller can pass as a schema. */
const NO_SCHEMA: unknown = {};

/** An epoch as two words. */
export interface EpochWords {
  low: number;
  high: number;
}

let readEpoch: (block: Block, into: EpochWords) => void;
let bind: (
  block: Block,
  window: Window,
  offset: number,
  epochLow: number,
  epochHigh: number,
  owner: BlockOwner,
  token: number,
) => void;

/**
 * A block that was received: 8192 bytes of shared memory with a header and up to 8160 data bytes, read in place.
 *
 * The memory belongs to the writer's process or to the stack. A block is yours until it is released: by `release()`, by
 * `using`, by the return of a `poll` handler, or by the next turn of a `for await` loop. After that every getter, and every record
 * and view that came from it, throws a {@linkcode BlockReleasedError}. A `Uint8Array` from `data` cannot be taken back: it then shows
 * whatever lies there, so copy what has to be kept. Never write into `data`: the memory is mapped read-only.
 *
 * The getters that return numbers and the records allocate nothing.
 */
export class Block implements Disposable {
  #window: Window | null = null;
  #offset = 0;
  #epochLow = 0;
  #epochHigh = 0;
  #owner: BlockOwner | null = null;
  #token = 0;
  /** The schema of the latest `records` call and its view, ahead of the map of all. */
  #schema: unknown = NO_SCHEMA;
  #view: AnyView | null = null;
  #views: Map<unknown, AnyView> | null = null;
  /** Views to unbind at release, linked by `following`. */
  #bound: AnyView | null = null;

  static {
    bind = (block, window, offset, epochLow, epochHigh, owner, token) => {
      block.#window = window;
      block.#offset = offset;
      block.#epochLow = epochLow | 0;
      block.#epochHigh = epochHigh | 0;
      block.#owner = owner;
      block.#token = token;
    };
    readEpoch = (block, into) => {
      into.low = block.#epochLow;
      into.high = block.#epochHigh;
    };
  }

  /** Position among the blocks of its broadcaster, from 0. Refused attempts of the queue lane take one, too. */
  get sequence(): number {
    return readSequence(this.#window ?? this.#refuse(), this.#offset);
  }

  /** Random number of the broadcaster's life: (epoch, sequence) names this block for ever. */
  get epoch(): bigint {
    if (this.#window === null) this.#refuse();
    return epochOf(this.#epochLow, this.#epochHigh);
  }

  /** The wall clock at publish, in nanoseconds since 1970, exact. */
  get timestampNs(): bigint {
    return readTimestampNs(this.#window ?? this.#refuse(), this.#offset);
  }

  /** The wall clock at publish, in milliseconds since 1970 with a fraction, to 0.25 us. Allocates nothing. */
  get timestampMs(): number {
    return readTimestampMs(this.#window ?? this.#refuse(), this.#offset);
  }

  /** Records in the block, as its writer stated it. Not to be trusted as a bound: `records(schema).length` is. */
  get recordCount(): number {
    return readRecordCount(this.#window ?? this.#refuse(), this.#offset);
  }

  /** What the records are; a number that is not listed reads as `Unknown`. */
  get dataType(): MarketDataType {
    return marketDataTypeOf(readDataType(this.#window ?? this.#refuse(), this.#offset));
  }

  /** Bytes of a record as its writer stated it, or 0 where it stated none, as C++ peers do. */
  get recordSize(): number {
    return readRecordSize(this.#window ?? this.#refuse(), this.#offset);
  }

  /** Id of the schema that the records were written with, or 0 where the writer stated none. */
  get schemaId(): number {
    return readSchemaId(this.#window ?? this.#refuse(), this.#offset);
  }

  /** The epoch that a relayed block had at its source; its own epoch where the writer stated none. */
  get sourceEpoch(): bigint {
    const window = this.#window ?? this.#refuse();
    return hasTrailer(window, this.#offset)
      ? epochOf(readEpochLow(window, this.#offset), readEpochHigh(window, this.#offset))
      : this.epoch;
  }

  /** The sequence that a relayed block had at its source; its own sequence where the writer stated none. */
  get sourceSequence(): number {
    const window = this.#window ?? this.#refuse();
    return hasTrailer(window, this.#offset)
      ? readSourceSequence(window, this.#offset)
      : readSequence(window, this.#offset);
  }

  /**
   * The used data bytes, in place; all 8160 where the writer did not state how many it used, as C++ peers do. One object for
   * each place in memory, so do not compare or keep it.
   */
  get data(): Uint8Array {
    const window = this.#window ?? this.#refuse();
    return window.dataView(this.#offset + OFFSET_DATA, usedLength(window, this.#offset));
  }

  /** Whether what was read so far is sound. False only where a writer may have overtaken an in-place reader. */
  get intact(): boolean {
    if (this.#window === null) this.#refuse();
    return this.#owner?.isBlockIntact?.(this.#token) ?? true;
  }

  /** Whether the block was released, or never held one. The only getter that does not throw then. */
  get released(): boolean {
    return this.#window === null;
  }

  /**
   * The records of the block, read in place.
   *
   * @param schema What they are.
   * @returns A view, the same object for each call with this schema. Its length never passes the data, whatever a peer wrote.
   * @throws {SchemaMismatchError} When the writer stated another schema or record size.
   * @throws {BlockReleasedError} After the release.
   *
   * @example Reading ticks in place
   * ```ts
   * import { type Block, Tick } from "@qaultra/ipc";
   *
   * function highest(block: Block): number {
   *   let high = -Infinity;
   *   for (const tick of block.records(Tick)) high = Math.max(high, tick.last);
   *   return high;
   * }
   * console.log(typeof highest);
   * ```
   */
  records<F extends RecordFields>(schema: RecordSchema<F>): RecordView<F> {
    const window = this.#window ?? this.#refuse();
    const offset = this.#offset;
    const view = this.#schema === schema ? this.#view! : this.#viewOf(schema);
    const size = schema.size;
    if ((readFlags(window, offset) & FLAG_LENGTH) !== 0) {
      const stated = readSchemaWord(window, offset);
      if ((stated & 0xffff) !== size || stated >>> 16 !== schema.id) this.#checkSchema(schema, stated);
    }
    const fitting = Math.floor(usedLength(window, offset, size) / size);
    const count = readRecordCount(window, offset);
    if (!view.bound) {
      view.following = this.#bound;
      this.#bound = view;
    }
    view.bind(window, offset + OFFSET_DATA, count < fitting ? count : fitting);
    return view as unknown as RecordView<F>;
  }

  /** Gives the block back. Does nothing when it was given back before. */
  release(): void {
    if (this.#window === null) return;
    this.#window = null;
    let view = this.#bound;
    this.#bound = null;
    while (view !== null) {
      const following: AnyView | null = view.following;
      view.following = null;
      view.unbind();
      view = following;
    }
    const owner = this.#owner!;
    owner.releaseBlock(this.#token);
  }

  /** Gives the block back, at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.release();
  }

  #viewOf<F extends RecordFields>(schema: RecordSchema<F>): AnyView {
    if (!isSchema(schema)) {
      throw new ArgumentError("read records", {
        value: schema,
        condition: "the schema must be a RecordSchema",
        remedy: "pass Tick, Bar, OrderBook, Trade, or what defineRecord returned",
      });
    }
    this.#views ??= new Map();
    let view = this.#views.get(schema);
    if (view === undefined) {
      view = compiledOf(schema).createView() as unknown as AnyView;
      this.#views.set(schema, view);
    }
    this.#schema = schema;
    this.#view = view;
    return view;
  }

  /** A writer that states no schema, or no record size, is believed as far as it stated anything. */
  #checkSchema<F extends RecordFields>(schema: RecordSchema<F>, stated: number): void {
    const size = stated & 0xffff;
    const id = stated >>> 16;
    if ((id === 0 || id === schema.id) && (size === 0 || size === schema.size)) return;
    throw new SchemaMismatchError(`read records as ${describeSchema(schema.id, schema.size)}`, {
      condition: `the block holds records of ${describeSchema(id, size)}`,
      value: id,
    });
  }

  #refuse(): never {
    if (this.#owner === null) throw new NotABlockError("read the block", { condition: "it was never received" });
    failReleased();
  }
}

/**
 * Lets a block object stand for a block in memory, reusing it without allocation.
 *
 * @param block The object; released, or never bound.
 * @param window Where the block lies.
 * @param offset Where in it, a multiple of 64.
 * @param epochLow Low half of the epoch of its broadcaster.
 * @param epochHigh High half of it.
 * @param owner Who it goes back to.
 * @param token What the owner knows it by.
 */
export function bindBlock(
  block: Block,
  window: Window,
  offset: number,
  epochLow: number,
  epochHigh: number,
  owner: BlockOwner,
  token: number,
): void {
  bind(block, window, offset, epochLow, epochHigh, owner, token);
}

/** The epoch of a block that is bound, without allocation. */
export function readEpochOf(block: Block, into: EpochWords): void {
  readEpoch(block, into);
}

function epochOf(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
