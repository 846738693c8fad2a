// SPDX-License-Identifier: Apache-2.0
import type { SoakReaderReport } from "./reader.ts";
import { type FeedName, FEEDS, RECORDS_PER_BLOCK, STREAMS } from "./streams.ts";

/** One reader from its start to its end, and the sequence that the writer was at meanwhile. */
export interface Life {
  readonly feed: FeedName;
  /** Before the reader was started, and after it had said that it is subscribed. */
  readonly before: number;
  readonly joined: number;
  /** When it was told to stop, and after it had. */
  readonly told: number;
  readonly ended: number;
  readonly report: SoakReaderReport;
}

/** What does not add up in the life of a reader. */
export function discrepancies({ feed, before, joined, told, ended, report }: Life): string[] {
  const { first, last, verified, spanned, faults, receivedBlocks, missedBlocks, receivedRecords } = report;
  const found = [...faults];
  const expect = (holds: boolean, what: string): void => {
    if (!holds) found.push(what);
  };
  if (first === null || last === null) return [...found, "it got no block"];
  const { lane, stream } = FEEDS[feed];
  expect(receivedBlocks === verified, `${receivedBlocks} blocks are counted as received, but ${verified} came`);
  expect(
    receivedRecords === verified * RECORDS_PER_BLOCK,
    `${receivedRecords} records are counted of ${verified} blocks`,
  );
  expect(told <= last + 1 && last < ended, `it stopped at block ${last}, not from ${told - 1} to ${ended - 1}`);
  if (lane === "ring") {
    // All that was committed since it joined, whichever of the stream's rings it was in.
    const since = last + 1 - receivedBlocks - missedBlocks;
    const where = `it accounts for all from block ${since} to ${last}`;
    expect(since >= before && since <= joined, `${where}, but joined from ${before} to ${joined}`);
    expect(since <= first, `${where}, but got block ${first} first`);
  } else {
    // What lies between the first and the last one of each broadcaster.
    const accounted = receivedBlocks + missedBlocks;
    expect(accounted === spanned, `it accounts for ${accounted} blocks of ${spanned}`);
    expect(first >= before, `it got block ${first}, which was sent before it was started at ${before}`);
  }
  if (STREAMS[stream].config.delivery === "lossless") {
    expect(missedBlocks === 0, `it lost ${missedBlocks} blocks of a lossless stream`);
  }
  return found;
}
