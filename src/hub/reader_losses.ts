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

/** These and those of a ring. A broadcaster that was heard on another lane before counts once. */
export function withRing(losses: ReaderLosses, reader: RingReader, heardBefore: boolean): ReaderLosses {
  return {
    ...losses,
    missedBlocks: losses.missedBlocks + reader.missedBlocks,
    gaps: losses.gaps + reader.gaps,
    tornBlocks: losses.tornBlocks + reader.tornBlocks,
    corruptBlocks: losses.corruptBlocks + reader.corruptBlocks,
    droppedByWriter: losses.droppedByWriter + reader.droppedByWriter,
    broadcasters: losses.broadcasters + (reader.heard && !heardBefore ? 1 : 0),
  };
}

/** These and those of the queue lane, whose broadcasters are new unless they are known. */
export function withQueue(losses: ReaderLosses, queue: QueueReader, known: ReadonlySet<string>): ReaderLosses {
  return {
    ...losses,
    missedBlocks: losses.missedBlocks + queue.missedBlocks,
    gaps: losses.gaps + queue.gaps,
    corruptBlocks: losses.corruptBlocks + queue.corruptBlocks,
    foreignChunks: losses.foreignChunks + queue.foreignChunks,
    broadcasters: losses.broadcasters + queue.heardSources.filter((source) => !known.has(source)).length,
  };
}
