// SPDX-License-Identifier: Apache-2.0
// What the harness tells its peers at their start, and what they say.
import type { BroadcastConfigFields, RuntimeOptions } from "../../mod.ts";

/** How a peer is made: an argument of writer.ts and reader.ts. */
export interface PeerDemand {
  readonly stream: string;
  /** Its name is what RouDi knows it by. */
  readonly runtime: RuntimeOptions;
  readonly config: Partial<BroadcastConfigFields>;
  /** Of a writer: where its log lies. */
  readonly log?: string;
  /** Of a writer: blocks a second; 0: as fast as it goes. */
  readonly rate?: number;
  /** Of a reader: how long it rests after each look, in milliseconds; 0: not at all. */
  readonly restMs?: number;
}

/** Blocks in a row from one broadcaster, as a reader met them. */
export interface Run {
  readonly epoch: string;
  readonly first: number;
  last: number;
  received: number;
}

/** What a writer answers. */
export interface WriterStats {
  /** One more than the sequence of the last block that it broadcast. */
  readonly sent: number;
  readonly refused: number;
  /** Of a lossless ring: readers that it gave up. */
  readonly dropped?: number;
  /** Of its runtime; raw iceoryx has none. */
  readonly state?: string;
  /** The states that it told of, in a row. */
  readonly told?: readonly string[];
}

/** What a reader answers. */
export interface ReaderStats {
  /** As it counts them itself. */
  readonly received: number;
  readonly missed: number;
  /** Blocks between those that it met, found by their sequences. */
  readonly holes: number;
  /** Blocks with wrong data or out of order. */
  readonly wrong: number;
  readonly dropped: number;
  /** The last runs. */
  readonly runs: readonly Run[];
  readonly state?: string;
  readonly told?: readonly string[];
}
