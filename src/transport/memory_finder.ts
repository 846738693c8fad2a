// SPDX-License-Identifier: Apache-2.0
import { WORD_CHANGES } from "./memory_arena.ts";
import type { FinderEntry } from "./memory_directory.ts";
import type { MemoryPlace } from "./memory_ring.ts";
import type { RingFinder, RingNews, RingOrigin } from "./transport.ts";
import type { Unpark } from "./memory_parker.ts";

/** There is no queue lane whose port could have a name. */
const NO_ORIGIN: RingOrigin = Object.freeze({ low: 0, high: 0 });

/** Tells of the rings of one stream in the memory of the process. */
export class MemoryFinder implements RingFinder {
  readonly #place: MemoryPlace;
  readonly #entry: FinderEntry;
  readonly #onClose: (finder: MemoryFinder) => void;
  /** The changes up to which everything was taken, or any other value. */
  #seen: number;
  #unpark: Unpark | undefined;
  #closed = false;

  /**
   * Takes over a finder that the directory has counted.
   *
   * @param place What it shares with the others of the Worker.
   * @param entry How far it is.
   * @param onClose Called once.
   */
  constructor(place: MemoryPlace, entry: FinderEntry, onClose: (finder: MemoryFinder) => void) {
    this.#place = place;
    this.#entry = entry;
    this.#onClose = onClose;
    this.#seen = entry.first.length === 0 ? entry.changes : ~entry.changes;
  }

  /** True after a ring of another stream was announced, too. */
  hasNews(): boolean {
    return this.#place.directory.changes !== this.#seen;
  }

  /** A ring that is closed stays where it is until the next call, so attach before that. Ask until there is none. */
  next(): RingNews | null {
    if (this.#closed) return null;
    // Looked at first: what is announced while the directory is searched is news again.
    const { changes } = this.#place.directory;
    const ring = this.#place.directory.takeRing(this.#entry);
    if (ring !== null) return { epochLow: ring.epochLow, epochHigh: ring.epochHigh, origin: NO_ORIGIN };
    this.#seen = changes;
    return null;
  }

  park(onNews: () => void): void {
    this.unpark();
    if (this.#closed) return;
    const expected = this.#isRingWaiting() ? ~this.#place.directory.changes : this.#seen;
    this.#unpark = this.#place.parker.park(WORD_CHANGES, expected, () => {
      this.#unpark = undefined;
      if (this.#isRingWaiting()) onNews();
      else this.park(onNews);
    });
  }

  unpark(): void {
    this.#unpark?.();
    this.#unpark = undefined;
  }

  /** Nobody takes the memory away that announcements lie in. */
  renew(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.unpark();
    this.#place.directory.closeFinder(this.#entry);
    this.#onClose(this);
  }

  /** What `hasNews` says, but for rings of this stream only. */
  #isRingWaiting(): boolean {
    const { directory } = this.#place;
    const { changes } = directory;
    if (changes === this.#seen) return false;
    if (directory.hasUntaken(this.#entry)) return true;
    this.#seen = changes;
    return false;
  }
}
