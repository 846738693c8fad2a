// SPDX-License-Identifier: Apache-2.0
import type { BroadcastStats, ReceiveStats } from "@qaultra/ipc";

/** What `examples/feed.ts` prints at its end. */
export interface FeedResult {
  readonly bars: number;
  readonly blocks: BroadcastStats;
}

/** What every reader prints at its end. */
export interface ReaderResult {
  readonly bars: number;
  readonly checksum: number;
  readonly blocks: ReceiveStats;
}

/** What `examples/strategy.ts` prints at its end. */
export interface StrategyResult extends ReaderResult {
  readonly trades: number;
  readonly worth: number;
  readonly equity: readonly number[];
}

/** What `examples/service.ts` prints at its end. */
export interface ServiceResult extends ReaderResult {
  readonly worstDrawdown: number;
  readonly highestVolatility: number;
}
