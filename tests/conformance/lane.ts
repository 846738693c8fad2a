// SPDX-License-Identifier: Apache-2.0
// What the conformance suite must be told about a lane. Everything else it knows from the public API alone.
import type { BroadcastConfig, BroadcastConfigFields, Runtime } from "../../mod.ts";
import type { Spoil } from "../support/spoil.ts";

/** A connected runtime of one test. Disposing it closes the runtime. */
export interface Stand extends AsyncDisposable {
  readonly runtime: Runtime;
}

/** What a stand is to have. */
export interface StandOptions {
  /** Blocks of the shared pool, where a lane has one; default: more than any test needs. */
  readonly blocks?: number;
}

/** One lane, on one stack. */
export interface Lane {
  /** For the titles of the tests. */
  readonly name: string;
  /** The delivery of its configurations: the tests of loss run on a lossy lane, those of back-pressure on a lossless one. */
  readonly delivery: "lossy" | "lossless";
  /** The smallest capacity there is. */
  readonly queueCapacityMin: number;
  /** Whether each subscriber has the capacity that it asks for, or all have that of the broadcaster. */
  readonly hasOwnCapacity: boolean;
  /** The most blocks that can wait for a subscriber, or null when a lane takes whatever it is asked for. */
  readonly queueCapacityMax: number | null;
  /** Whether blocks that are held can be overwritten, because the subscriber asked to read in place. */
  readonly isVolatile: boolean;
  /** Whether the past is kept as far as there is memory, or as much of it as the broadcaster was asked to keep. */
  readonly keepsPast: boolean;
  /** The most blocks that are kept for a late subscriber, or null for no limit but the configuration's. */
  readonly historyMax: number | null;
  /** Loans of one broadcaster at once. */
  readonly loansMax: number;
  /** Whether the blocks of several broadcasters come through one queue, in the order of publishing. */
  readonly isOneQueue: boolean;
  /** Whether blocks come from a pool that other readers can use up. */
  readonly hasPool: boolean;
  /** The fewest blocks that a reader still gets after it was overrun with this capacity. */
  keptAtLeast(capacity: number): number;
  /** The most blocks that a lossless broadcaster gets rid of while a subscriber of this capacity reads nothing. */
  takenAtMost(capacity: number): number;
  /** A configuration for both ends. `queueCapacity` is how many blocks can wait, whatever the lane calls it. */
  config(fields?: Partial<BroadcastConfigFields>): BroadcastConfig;
  /** Changes a byte of a block that was published with a checksum. */
  readonly spoil: Spoil;
  /** Starts what the lane needs and opens a runtime. */
  open(options?: StandOptions): Promise<Stand>;
}
