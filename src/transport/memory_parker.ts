// SPDX-License-Identifier: Apache-2.0
import { clearInterval, setInterval } from "node:timers";

/** Longer than any process lives: the timer is there for being there. The longest that timers take is 2^31 - 1. */
const NEVER_MS = 2 ** 31 - 1;

/** One park. */
interface Park {
  readonly expected: number;
  readonly onChange: () => void;
}

/** A word of the arena that somebody is parked at, or was. */
interface ParkedWord {
  readonly index: number;
  readonly parks: Set<Park>;
  /** Whether a promise of `Atomics.waitAsync` is out. There is no taking it back, so it serves the next park too. */
  asleep: boolean;
}

/** What `Parker.park` gives, for taking the park back. Doing it again does nothing. */
export type Unpark = () => void;

/**
 * Wakes the event loop of this Worker when words of shared memory change.
 *
 * Neither runtime keeps an event loop alive for `Atomics.waitAsync`, nor can a wait be taken back. So a timer keeps it alive while
 * anything is parked, and a word has one wait at a time, however often it is parked at and unparked.
 */
export class MemoryParker {
  readonly #words: Int32Array;
  readonly #parked = new Map<number, ParkedWord>();
  #parks = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Calls back once, in a later turn or microtask, when the word does not have this value; keeps the event loop alive until then. */
  park(index: number, expected: number, onChange: () => void): Unpark {
    const word = this.#word(index);
    const park = { expected, onChange };
    word.parks.add(park);
    if (this.#parks++ === 0) this.#stayAlive();
    this.#sleep(word);
    return () => this.#remove(word, park);
  }

  /** Takes all parks back. Waits are woken, because they would keep the shared memory from being collected. */
  close(): void {
    this.#closed = true;
    this.#parks = 0;
    for (const word of this.#parked.values()) {
      word.parks.clear();
      if (word.asleep) Atomics.notify(this.#words, word.index);
    }
    this.#parked.clear();
    clearInterval(this.#timer);
  }

  #word(index: number): ParkedWord {
    const known = this.#parked.get(index);
    if (known !== undefined) return known;
    const word = { index, parks: new Set<Park>(), asleep: false };
    this.#parked.set(index, word);
    return word;
  }

  #stayAlive(): void {
    if (this.#timer === undefined) this.#timer = setInterval(() => {}, NEVER_MS);
    else this.#timer.ref();
  }

  #remove(word: ParkedWord, park: Park): void {
    if (!word.parks.delete(park)) return;
    if (--this.#parks === 0) this.#timer?.unref();
    if (word.parks.size === 0 && !word.asleep) this.#parked.delete(word.index);
  }

  /** Sees to it that every park of the word is called back when its value changes, or now. */
  #sleep(word: ParkedWord): void {
    let value = Atomics.load(this.#words, word.index);
    while (!word.asleep && [...word.parks].some((park) => park.expected === value)) {
      const wait = Atomics.waitAsync(this.#words, word.index, value);
      if (wait.async) {
        word.asleep = true;
        wait.value.then(() => this.#wake(word));
      } else {
        value = Atomics.load(this.#words, word.index);
      }
    }
    for (const park of word.parks) {
      if (park.expected !== value) queueMicrotask(() => this.#callBack(word, park));
    }
  }

  #wake(word: ParkedWord): void {
    word.asleep = false;
    if (this.#closed) return;
    if (word.parks.size === 0) this.#parked.delete(word.index);
    else this.#sleep(word);
  }

  #callBack(word: ParkedWord, park: Park): void {
    if (!word.parks.has(park)) return;
    this.#remove(word, park);
    park.onChange();
  }
}
