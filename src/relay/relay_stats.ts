// SPDX-License-Identifier: Apache-2.0

/** Which way blocks go: from the first runtime of a relay to the second (`forth`), or `back`. */
export type RelayWay = "forth" | "back";

/** What a relay did for one stream in one direction, since it found the stream. */
export interface RelayStreamStats {
  /** The stream. */
  readonly stream: string;
  /** The direction. */
  readonly way: RelayWay;
  /** Blocks that were written to the target side. */
  readonly relayedBlocks: number;
  /** Blocks that were lost before they came here, or were overwritten while they were copied. The target side sees the gap. */
  readonly missedBlocks: number;
  /** Blocks for which the target side had no room, of a lossy stream: they are lost. It sees the gap. */
  readonly refusedBlocks: number;
  /** Of the relayed blocks: those without room to say which broadcaster they came from. Their sequences are the source's all the same. */
  readonly unmarkedBlocks: number;
  /** Blocks that this relay had written itself, and that it did not send back. */
  readonly ownBlocks: number;
  /** Blocks that another relay had brought here a second time, and that were not relayed again. */
  readonly duplicateBlocks: number;
  /** Relayed blocks whose sequence went back or leapt too far, so that the target side has another one from there on. */
  readonly renumberedBlocks: number;
  /** How often a lossless target side had no room, so that the source side had to wait. */
  readonly waits: number;
  /** Broadcasters of the source side that have one on the target side now. */
  readonly broadcasters: number;
}

/** What a relay does. */
export interface RelayStats {
  /** Each stream and direction that was found so far. */
  readonly streams: readonly RelayStreamStats[];
  /** Attempts to subscribe to a stream or to offer it that failed, and are made again. */
  readonly failures: number;
  /** Why the last one failed. */
  readonly lastFailure?: Error;
}
