// SPDX-License-Identifier: Apache-2.0
import { type Block, type EpochWords, readEpochOf } from "../block/block.ts";
import { BlockCopier } from "../block/block_copier.ts";
import { isRelayed, readSequence, readTrailerEpoch } from "../block/header.ts";
import { BLOCK_SIZE, SEQUENCE_MAX } from "../block/layout.ts";
import { Window } from "../block/window.ts";
import { IpcError } from "../errors.ts";
import { BlockOutlet, PUT_REFUSED, PUT_SENT, type PutOutcome } from "../hub/block_outlet.ts";
import type { BroadcastConfig } from "../hub/broadcast_config.ts";
import { DataSubscriber, readerOf } from "../hub/data_subscriber.ts";
import type { Runtime } from "../hub/runtime.ts";
import type { StreamReader } from "../hub/stream_reader.ts";
import type { RelaySource } from "./relay_source.ts";
import type { RelayStreamStats, RelayWay } from "./relay_stats.ts";

const ACTION = "relay a stream";
/** The widest gap that is passed on as one; a wider leap of a sequence is taken for a new beginning. */
export const RELAY_GAP_MAX = 2 ** 24;
/** Broadcasters of a stream that are remembered at once; the longest silent one is forgotten for a new one. */
const SOURCES_MAX = 64;
/** How often a block is offered again to a target side that cannot be written to at all. */
const RETRY_MS = 20;
/** Looks without a block after which a broadcaster may be gone. */
const SILENT_LOOKS = 2;

/** What a link is made from. */
export interface RelayLinkDemand {
  readonly stream: string;
  readonly way: RelayWay;
  readonly from: Runtime;
  readonly to: Runtime;
  readonly read: BroadcastConfig;
  readonly write: BroadcastConfig;
  readonly onFailure: (error: IpcError) => void;
}

/** One stream in one direction: a subscriber, and for each broadcaster that it hears one on the other side. */
export class RelayLink {
  readonly #demand: RelayLinkDemand;
  readonly #feed: DataSubscriber;
  readonly #reader: StreamReader;
  readonly #copier = new BlockCopier();
  readonly #lossless: boolean;
  readonly #opensAhead: boolean;
  readonly #sources: RelaySource[] = [];
  readonly #epoch: EpochWords = { low: 0, high: 0 };
  /** The source of the last block. */
  #source: RelaySource | null = null;
  /** A port of the queue lane for the next broadcaster: it is connected when that one begins. */
  #spare: BlockOutlet | null = null;
  /** The other direction of the stream. */
  #opposite: RelayLink | null = null;
  /** A block that found no room on a lossless target side. */
  readonly #kept: Window = Window.allocate(BLOCK_SIZE);
  #keptSource: RelaySource | null = null;
  #keptSequence = 0;
  #retryAt = -Infinity;
  #looks = 0;
  #relayed = 0;
  #refused = 0;
  #unmarkedBefore = 0;
  #own = 0;
  #duplicates = 0;
  #renumbered = 0;
  #waits = 0;
  readonly #handler = (block: Block): void => this.#handle(block);

  constructor(demand: RelayLinkDemand) {
    const { from, read, write, stream } = demand;
    this.#demand = demand;
    this.#lossless = write.delivery === "lossless";
    this.#opensAhead = write.lane === "queue";
    // In place, and looked at again after the one copy.
    this.#feed = new DataSubscriber(read, stream, { runtime: from, read: "in-place" });
    this.#reader = readerOf(this.#feed);
    this.#openSpare();
  }

  get stream(): string {
    return this.#demand.stream;
  }

  get way(): RelayWay {
    return this.#demand.way;
  }

  /** Whether a block waits for room on the target side. */
  get isBlocked(): boolean {
    return this.#keptSource !== null;
  }

  /** Broadcasters that it has on the target side. */
  get outlets(): number {
    return this.#opened.length + (this.#spare === null ? 0 : 1);
  }

  get stats(): RelayStreamStats {
    let unmarkedBlocks = this.#unmarkedBefore;
    for (const { outlet } of this.#opened) unmarkedBlocks += outlet!.unmarkedBlocks;
    return {
      stream: this.stream,
      way: this.way,
      relayedBlocks: this.#relayed,
      missedBlocks: this.#feed.getReceiveStats().missedBlocks,
      refusedBlocks: this.#refused,
      unmarkedBlocks,
      ownBlocks: this.#own,
      duplicateBlocks: this.#duplicates,
      renumberedBlocks: this.#renumbered,
      waits: this.#waits,
      broadcasters: this.#opened.length,
    };
  }

  /** The two directions of a stream know each other. */
  pairWith(opposite: RelayLink): void {
    this.#opposite = opposite;
    opposite.#opposite = this;
  }

  /** Relays up to `limit` blocks that are there, and returns how many were dealt with. */
  step(limit: number): number {
    if (this.#keptSource !== null && !this.#offerKept()) return 0;
    const feed = this.#feed;
    const handler = this.#handler;
    let count = 0;
    while (count < limit && this.#keptSource === null && feed.poll(handler, 1) === 1) count++;
    return count;
  }

  /**
   * A look at what has changed.
   *
   * @param broadcasters How many the stream has on the source side, those of this relay aside; undefined when nobody knows.
   */
  look(broadcasters: number | undefined): void {
    this.#looks++;
    if (broadcasters !== undefined && this.#keptSource === null) this.#closeSilent(broadcasters);
    if (this.#spare === null) this.#openSpare();
  }

  hasData(): boolean {
    return this.#reader.hasData();
  }

  /** Calls back once when there is something to do; may call back for nothing. */
  park(onReady: () => void): void {
    if (this.#keptSource === null) this.#reader.park(onReady);
    else void this.#keptSource.outlet?.writer.roomChange(RETRY_MS).then(onReady);
  }

  unpark(onReady: () => void): void {
    this.#reader.unpark(onReady);
  }

  close(): void {
    this.#feed.close();
    for (const source of this.#opened) this.#closeOutlet(source);
    this.#spare?.close();
    this.#spare = null;
    this.#keptSource = null;
  }

  get #opened(): RelaySource[] {
    return this.#sources.filter(({ outlet }) => outlet !== null);
  }

  #handle(block: Block): void {
    const epoch = this.#epoch;
    const { window, offset } = this.#reader;
    const sequence = readSequence(window, offset);
    const wasRelayed = isRelayed(window, offset);
    // A block is known by its first source, however many relays it went through, so that it is seen when it comes back.
    if (wasRelayed) readTrailerEpoch(window, offset, epoch);
    else readEpochOf(block, epoch);
    let source = this.#source;
    if (source === null || source.low !== epoch.low || source.high !== epoch.high) {
      source = this.#source = this.#find(epoch.low, epoch.high, sequence);
    }
    source.heardAt = this.#looks;
    if (source.isOwn) {
      this.#own++;
      return;
    }
    if (sequence + source.shift !== source.next && !this.#place(source, sequence, wasRelayed)) return;
    const outcome = this.#put(source, window, offset, sequence, block);
    if (outcome === PUT_SENT) this.#relayed++;
    else if (outcome !== PUT_REFUSED || !this.#refuse(source, window, offset, sequence, block)) return;
    source.next = sequence + source.shift + 1;
  }

  /** A block does not follow upon the one before. Tells whether it is to be relayed. */
  #place(source: RelaySource, sequence: number, wasRelayed: boolean): boolean {
    const gap = sequence + source.shift - source.next;
    if (gap > 0 && gap <= RELAY_GAP_MAX && sequence + source.shift <= SEQUENCE_MAX) return true;
    if (gap < 0 && wasRelayed) {
      this.#duplicates++;
      return false;
    }
    source.shift = source.next - sequence;
    this.#renumbered++;
    return true;
  }

  #put(source: RelaySource, window: Window, offset: number, sequence: number, block: Block | null): PutOutcome {
    const outlet = source.outlet ?? this.#open(source);
    if (outlet === null || !outlet.skipTo(sequence + source.shift)) return PUT_REFUSED;
    return outlet.put(window, offset, source.low, source.high, sequence, block);
  }

  /** Of a lossy stream the block is lost, and the next one shows the gap. Otherwise the source side has to wait. */
  #refuse(source: RelaySource, window: Window, offset: number, sequence: number, block: Block): boolean {
    if (!this.#lossless) {
      this.#refused++;
      return true;
    }
    this.#copier.copy(window, offset, this.#kept, 0);
    // Overwritten meanwhile: it is counted as missed, and the next one shows the gap.
    if (!block.intact) return false;
    this.#waits++;
    this.#keptSource = source;
    this.#keptSequence = sequence;
    return true;
  }

  #offerKept(): boolean {
    const source = this.#keptSource!;
    if (this.#put(source, this.#kept, 0, this.#keptSequence, null) !== PUT_SENT) return false;
    this.#keptSource = null;
    this.#relayed++;
    return true;
  }

  #find(low: number, high: number, sequence: number): RelaySource {
    const known = this.#sources.find((source) => source.low === low && source.high === high);
    if (known !== undefined) return known;
    if (this.#sources.length >= SOURCES_MAX) this.#forgetOne();
    const isOwn = this.#opposite !== null && this.#opposite.#knows(low, high);
    const source = { low, high, isOwn, outlet: null, shift: 0, next: sequence, heardAt: this.#looks };
    this.#sources.push(source);
    return source;
  }

  /** Whether an epoch on the target side is that of a broadcaster there that is, or is relayed by, this link's. */
  #knows(low: number, high: number): boolean {
    if (this.#spare?.isNamed(low, high)) return true;
    return this.#sources.some((source) =>
      !source.isOwn && ((source.low === low && source.high === high) || source.outlet?.isNamed(low, high))
    );
  }

  #open(source: RelaySource): BlockOutlet | null {
    const spare = this.#spare;
    this.#spare = null;
    source.outlet = spare ?? this.#tryToOpen(source.next);
    return source.outlet;
  }

  #openSpare(): void {
    if (this.#opensAhead) this.#spare = this.#tryToOpen(0);
  }

  #tryToOpen(firstSequence: number): BlockOutlet | null {
    const { to, write, stream, onFailure } = this.#demand;
    if (performance.now() < this.#retryAt) return null;
    try {
      return new BlockOutlet(ACTION, to, write, stream, firstSequence, this.#copier);
    } catch (error) {
      if (!(error instanceof IpcError)) throw error;
      // The daemon may be gone, or may have no room: it is tried again.
      this.#retryAt = performance.now() + RETRY_MS;
      onFailure(error);
      return null;
    }
  }

  /** Ends what stands for broadcasters that are gone: as many as there are too many, and the longest silent ones first. */
  #closeSilent(broadcasters: number): void {
    const opened = this.#opened.sort((one, other) => one.heardAt - other.heardAt);
    for (const source of opened.slice(0, Math.max(0, opened.length - broadcasters))) {
      if (this.#looks - source.heardAt > SILENT_LOOKS) this.#closeOutlet(source);
    }
  }

  #closeOutlet(source: RelaySource): void {
    const { outlet } = source;
    if (outlet === null) return;
    this.#unmarkedBefore += outlet.unmarkedBlocks;
    source.outlet = null;
    outlet.close();
  }

  #forgetOne(): void {
    const silent = this.#sources.reduce((one, other) => other.heardAt < one.heardAt ? other : one);
    this.#closeOutlet(silent);
    this.#sources.splice(this.#sources.indexOf(silent), 1);
  }
}
