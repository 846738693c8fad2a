// SPDX-License-Identifier: Apache-2.0
import type { QueueReader } from "../queue/queue_reader.ts";
import type { RingReader } from "../ring/ring_reader.ts";

/** What blocks come from. */
export type LaneReader = QueueReader | RingReader;

/** What a subscriber lost on lanes of its stream, and how many broadcasters it heard there. */
export interface ReaderLosses {
  readonly missedBlocks: number;
  readonly gaps: number;
  readonly tornBlocks: number;
  readonly corruptBlocks: number;
  readonly droppedByWriter: number;
  readonly foreignChunks: number;
  readonly broadcasters: number;
  readonly deniedBroadcasters: number;
}

export const NO_LOSSES: ReaderLosses = {
  missedBlocks: 0,
  gaps: 0,
  tornBlocks: 0,
  corruptBlocks: 0,
  droppedByWriter: 0,
  foreignChunks: 0,
  broadcasters: 0,
  deniedBroadcasters: 0,
};

/** Both together. */
export function plus(losses: ReaderLosses, more: Partial<ReaderLosses>): ReaderLosses {
  const sum: Record<keyof ReaderLosses, number> = { ...losses };
  for (const [name, count] of Object.entries(more)) sum[name as keyof ReaderLosses] += count;
  return sum;
}

/** These and those of a ring. A broadcaster that was heard on another lane before counts once. */
export function withRing(losses: ReaderLosses, reader: RingReader, heardBefore: boolean): ReaderLosses {
  const { missedBlocks, gaps, tornBlocks, corruptBlocks, droppedByWriter } = reader;
  const broadcasters = reader.heard && !heardBefore ? 1 : 0;
  return plus(losses, { missedBlocks, gaps, tornBlocks, corruptBlocks, droppedByWriter, broadcasters });
}

/** These and those of the queue lane, whose broadcasters are new unless they are known. */
export function withQueue(losses: ReaderLosses, queue: QueueReader, known: ReadonlySet<string>): ReaderLosses {
  const { missedBlocks, gaps, corruptBlocks, foreignChunks } = queue;
  const broadcasters = queue.heardSources.filter((source) => !known.has(source)).length;
  return plus(losses, { missedBlocks, gaps, corruptBlocks, foreignChunks, broadcasters });
}
