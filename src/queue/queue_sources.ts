// SPDX-License-Identifier: Apache-2.0

/** Publishers remembered at once by one port; the longest silent one is forgotten for a new one. */
export const SOURCES_MAX = 1024;

const NONE = -1;

/**
 * The broadcasters whose blocks came through one port.
 *
 * A block names its publisher by the stack's origin id, and, where its data leave room, its broadcaster by the epoch. The
 * origin is there on every block, the epoch survives that a broadcaster makes its port anew; so origins point to sources, and
 * a source is known by its epoch as soon as one block told it.
 */
export class QueueSources {
  readonly #originLow: number[] = [];
  readonly #originHigh: number[] = [];
  readonly #sourceOfOrigin: number[] = [];
  readonly #epochLow: number[] = [];
  readonly #epochHigh: number[] = [];
  readonly #epochKnown: boolean[] = [];
  #last = NONE;
  #oldest = 0;

  /** The index of the source with this origin, or -1 for a new origin. */
  find(originLow: number, originHigh: number): number {
    const last = this.#last;
    // Blocks come in runs from one publisher, so the last one is asked first.
    if (last !== NONE && this.#originLow[last] === originLow && this.#originHigh[last] === originHigh) {
      return this.#sourceOfOrigin[last];
    }
    for (let index = 0; index < this.#originLow.length; index++) {
      if (this.#originLow[index] === originLow && this.#originHigh[index] === originHigh) {
        this.#last = index;
        return this.#sourceOfOrigin[index];
      }
    }
    return NONE;
  }

  /** Whether this source's epoch is known. */
  knowsEpoch(source: number): boolean {
    return this.#epochKnown[source];
  }

  /** Adds a new origin without an epoch as a source of its own. Until an epoch is known the origin stands for it. */
  addOrigin(originLow: number, originHigh: number): number {
    const source = this.#epochLow.length;
    this.#epochLow.push(originLow);
    this.#epochHigh.push(originHigh);
    this.#epochKnown.push(false);
    this.#append(originLow, originHigh, source);
    return source;
  }

  /** Adds a new origin whose first block told its epoch: a known broadcaster's new port, or a new source. */
  addOriginWithEpoch(originLow: number, originHigh: number, epochLow: number, epochHigh: number): number {
    for (let source = 0; source < this.#epochLow.length; source++) {
      if (this.#epochKnown[source] && this.#epochLow[source] === epochLow && this.#epochHigh[source] === epochHigh) {
        this.#append(originLow, originHigh, source);
        return source;
      }
    }
    const source = this.addOrigin(originLow, originHigh);
    this.learnEpoch(source, epochLow, epochHigh);
    return source;
  }

  /** Notes the epoch of a source. */
  learnEpoch(source: number, epochLow: number, epochHigh: number): void {
    this.#epochLow[source] = epochLow;
    this.#epochHigh[source] = epochHigh;
    this.#epochKnown[source] = true;
  }

  /** What tells this source from all others, also on another port: its epoch, or as long as that is unknown its origin. */
  identity(source: number): string {
    const kind = this.#epochKnown[source] ? "epoch" : "origin";
    return `${kind} ${this.#epochHigh[source]} ${this.#epochLow[source]}`;
  }

  epochLow(source: number): number {
    return this.#epochLow[source];
  }

  epochHigh(source: number): number {
    return this.#epochHigh[source];
  }

  #append(originLow: number, originHigh: number, source: number): void {
    if (this.#originLow.length < SOURCES_MAX) {
      this.#last = this.#originLow.length;
      this.#originLow.push(originLow);
      this.#originHigh.push(originHigh);
      this.#sourceOfOrigin.push(source);
      return;
    }
    this.#last = this.#oldest;
    this.#originLow[this.#oldest] = originLow;
    this.#originHigh[this.#oldest] = originHigh;
    this.#sourceOfOrigin[this.#oldest] = source;
    this.#oldest = (this.#oldest + 1) % SOURCES_MAX;
  }
}
