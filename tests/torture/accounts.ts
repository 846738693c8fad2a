// SPDX-License-Identifier: Apache-2.0
// Received + missed = sent, for every reader that lives.
import type { ReaderStats } from "./demand.ts";
import type { Seat } from "./world.ts";

/** What an account lacks. */
export interface Verdict {
  /** Blocks that are neither received nor missed, or are both. */
  readonly uncounted: number;
  /** Promises beside that one: blocks that are wrong, out of order, or lost where nothing may be. */
  readonly broken: number;
}

/**
 * On a ring: received and missed are all blocks that were committed since the reader joined. When it joined is told by its first account,
 * and must lie between its start and the first block that it met.
 *
 * @param total Blocks of the stream that have been committed, all of which the reader has met.
 * @param ended Those of writers before the present one.
 */
function openOnRing(seat: Seat, stats: ReaderStats, total: number, ended: number): number {
  const counted = stats.received + stats.missed;
  if (seat.joinedAt !== undefined) return total - seat.joinedAt - counted;
  const joined = total - counted;
  // Of a reader that met the writer before, too, no more is known than that it joined before the present one.
  const met = stats.runs.length === 1 ? ended + stats.runs[0]!.first : ended;
  seat.joinedAt = Math.min(Math.max(joined, seat.openedAt), met);
  return joined - seat.joinedAt;
}

/** On the queue: missed is what lies between the first and the last block of each writer and was not received. */
function openOnQueue(stats: ReaderStats): number {
  return stats.holes - stats.missed;
}

/** Looks at a reader that has met the last block; tells what is new since the last time. */
export function judge(
  seat: Seat,
  stats: ReaderStats,
  { isRing, isLossless, total, ended }: { isRing: boolean; isLossless: boolean; total: number; ended: number },
): Verdict {
  const open = isRing ? openOnRing(seat, stats, total, ended) : openOnQueue(stats);
  const lost = isLossless && !seat.mayLose ? stats.missed + stats.dropped : 0;
  const broken = stats.wrong + lost;
  const verdict = { uncounted: Math.abs(open - seat.open), broken: broken - seat.reported };
  seat.open = open;
  seat.reported = broken;
  return verdict;
}
