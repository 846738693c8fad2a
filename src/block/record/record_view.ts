// SPDX-License-Identifier: Apache-2.0
import type { Window } from "../window.ts";
import type { RecordFields, RecordObject, RecordRead } from "./field_types.ts";

/**
 * The records of one block, read in place.
 *
 * A loop moves one reused record object over the memory, so a record is valid until the next turn; `at` has another one, valid
 * until the next `at`. Loops can be nested. Nothing is allocated per record, and nothing per block once a subscriber runs.
 * After the release of the block every access throws.
 */
export interface RecordView<F extends RecordFields> extends Iterable<RecordRead<F>> {
  /** Records in the block. */
  readonly length: number;
  /**
   * One record.
   *
   * @param index 0 to length - 1, or -1 for the last, -2 for the one before it, and so on.
   * @returns The record, one object for all calls.
   * @throws {ArgumentError} When the index is outside.
   */
  at(index: number): RecordRead<F>;
  /**
   * Copies of all records, which stay as they are.
   *
   * @returns Plain objects.
   */
  toArray(): RecordObject<F>[];
}

/** The inner side of a view: what a block does with it. */
export interface BindableView<F extends RecordFields> extends RecordView<F> {
  /** The next of the views that one block has bound. */
  following: BindableView<RecordFields> | null;
  /** Whether it is bound to a block. */
  readonly bound: boolean;
  /** Lets it read `length` records from `offset` on. The caller has checked that they lie within one block's data. */
  bind(window: Window, offset: number, length: number): void;
  /** Makes every access throw. */
  unbind(): void;
}

/**
 * The source text of a view's class, a static member of the record's class so that it can move records.
 *
 * A bound view has `#count` records, an unbound one -1. Its private names differ from the record's, which they would hide.
 * The result object of a loop is reused, so that a loop allocates nothing even before it is compiled.
 *
 * @param size Bytes of a record.
 * @returns Source text of class members.
 */
export function viewMembers(size: number): string {
  return `static #Iterator = class {
    busy = false;
    record = new Record();
    #end = -1;
    #result = { done: false, value: this.record };
    begin(w, o, n) {
      this.busy = true;
      this.#end = o + n * ${size};
      this.record.#w = w;
      this.record.#o = o - ${size};
      this.#result.done = false;
      this.#result.value = this.record;
      return this;
    }
    cancel() { this.busy = false; this.#end = -1; this.record.#w = RELEASED; }
    next() {
      const record = this.record, at = record.#o + ${size};
      if (at < this.#end) { record.#o = at; return this.#result; }
      if (this.#end < 0) failReleased();
      return this.return();
    }
    return() {
      const result = this.#result;
      this.busy = false;
      result.done = true;
      result.value = undefined;
      return result;
    }
    [Symbol.iterator]() { return this; }
  };
  static View = class {
    following = null;
    #window = RELEASED;
    #first = 0;
    #count = -1;
    #record = new Record();
    #iterators = [new Record.#Iterator()];
    get bound() { return this.#count >= 0; }
    bind(w, o, n) { this.#window = w; this.#first = o; this.#count = n; }
    unbind() {
      this.#window = RELEASED;
      this.#count = -1;
      this.#record.#w = RELEASED;
      const iterators = this.#iterators;
      for (let i = 0; i < iterators.length; i++) iterators[i].cancel();
    }
    get length() { const n = this.#count; if (n < 0) failReleased(); return n; }
    at(index) {
      if (typeof index !== "number") this.#outside(index);
      const n = this.#count, i = index < 0 ? index + n : index;
      if (!(i >= 0 && i < n) || (i | 0) !== i) this.#outside(index);
      const record = this.#record;
      record.#w = this.#window;
      record.#o = this.#first + i * ${size};
      return record;
    }
    #outside(index) { if (this.#count < 0) failReleased(); failIndex("records", index, this.#count); }
    toArray() { const copy = []; for (const record of this) copy.push(record.toObject()); return copy; }
    [Symbol.iterator]() {
      if (this.#count < 0) failReleased();
      const first = this.#iterators[0];
      return (first.busy ? this.#idle() : first).begin(this.#window, this.#first, this.#count);
    }
    #idle() {
      let idle = this.#iterators.find((iterator) => !iterator.busy);
      if (idle === undefined) this.#iterators.push(idle = new Record.#Iterator());
      return idle;
    }
  };`;
}
