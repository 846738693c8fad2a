// SPDX-License-Identifier: Apache-2.0
// Loans: a block written in place, published or given back.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ArgumentError,
  type BlockLoan,
  ClosedError,
  DataBroadcaster,
  DataSubscriber,
  DataTooLongError,
  MarketDataType,
  NotLoanedError,
  SequenceExhaustedError,
  TooManyLoansError,
} from "../../mod.ts";
import type { Lane } from "./lane.ts";
import { checkBlock, drain, newStream, payload, range, send } from "./tools.ts";

const TYPE = MarketDataType.Trade;

function loanOf(out: DataBroadcaster): BlockLoan {
  const loan = out.loan();
  assert(loan !== null);
  return loan;
}

export function testLoan(lane: Lane): void {
  test(`${lane.name}: a loan is written in place and published with its length, count and type`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    for (const length of [0, 1, 64, 8136, 8160]) {
      using loan = loanOf(out);
      assertEquals(loan.data.length, 8160);
      assertEquals(feed.hasData(), false);
      loan.data.set(payload(out.nextSequence, length));
      loan.publish(length, length === 64 ? 4 : 1, TYPE);
      using block = feed.receiveBlock()!;
      checkBlock(block, length);
      assertEquals([block.recordCount, block.dataType, block.epoch], [length === 64 ? 4 : 1, TYPE, out.epoch]);
      assertEquals(block.recordSize, length === 64 ? 16 : length);
    }
    const { sentBlocks, sentBytes, sentRecords } = out.getStats();
    assertEquals([sentBlocks, sentRecords, sentBytes], [5, 8, 64 + 1 + 8136 + 8160]);
  });

  test(`${lane.name}: a loan is used once: afterwards it throws, and discarding does nothing`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    for (const end of ["publish", "discard", "dispose", "close"] as const) {
      const loan = loanOf(out);
      loan.data.set(payload(out.nextSequence));
      if (end === "publish") loan.publish(64, 1, TYPE);
      else if (end === "discard") loan.discard();
      else if (end === "dispose") loan[Symbol.dispose]();
      else out.close();
      assertThrows(() => loan.data, NotLoanedError);
      assertThrows(() => loan.publish(64, 1, TYPE), NotLoanedError);
      loan.discard();
      loan[Symbol.dispose]();
    }
    assertEquals(drain(feed), [0]);
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: a discarded loan takes no sequence`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    for (let turn = 0; turn < 5; turn++) {
      loanOf(out).discard();
      send(out, 1);
      using _unused = loanOf(out);
    }
    assertEquals(drain(feed), range(0, 5));
    assertEquals(feed.getReceiveStats().missedBlocks, 0);
  });

  test(`${lane.name}: a refused publish leaves the loan as it was`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    const loan = loanOf(out);
    loan.data.set(payload(0));
    assertThrows(() => loan.publish(8161, 1, TYPE), DataTooLongError);
    for (const length of [-1, 0.5, NaN, Infinity, "64"] as number[]) {
      assertThrows(() => loan.publish(length, 1, TYPE), ArgumentError);
    }
    assertThrows(() => loan.publish(64, -1, TYPE), ArgumentError);
    assertThrows(() => loan.publish(64, 1, 99 as MarketDataType), ArgumentError);
    assertEquals([feed.hasData(), out.nextSequence, out.getStats().errors], [false, 0, 8]);
    loan.publish(64, 1, TYPE);
    assertEquals(drain(feed), [0]);
  });

  test(`${lane.name}: ${lane.loansMax} loans at once, one more is an error, and each can be published`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const stream = newStream();
    using out = new DataBroadcaster(lane.config(), stream, { runtime });
    using feed = new DataSubscriber(lane.config(), stream, { runtime });
    for (let turn = 0; turn < 3; turn++) {
      const loans = range(0, lane.loansMax).map(() => loanOf(out));
      const error = assertThrows(() => out.loan(), TooManyLoansError);
      assertEquals([error.value, error.limit], [lane.loansMax + 1, lane.loansMax]);
      // What is published last was loaned first; sequences follow the publishing.
      for (const loan of loans.toReversed()) {
        loan.data.set(payload(out.nextSequence));
        loan.publish(64, 1, TYPE);
      }
    }
    assertEquals(drain(feed), range(0, lane.loansMax * 3));
  });

  if (lane.loansMax > 1) {
    test(`${lane.name}: broadcasting goes on while loans are out`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      using out = new DataBroadcaster(lane.config(), stream, { runtime });
      using feed = new DataSubscriber(lane.config(), stream, { runtime });
      const loans = range(0, lane.loansMax - 1).map(() => loanOf(out));
      loans.forEach((loan, index) => loan.data.set(payload(100 + index)));
      send(out, 100);
      for (const loan of loans) loan.publish(64, 1, TYPE);
      assertEquals(drain(feed), range(0, 100 + loans.length));
    });
  }

  if (lane.loansMax > 1) {
    test(`${lane.name}: a loan that the sequence has no number for is refused, and can be discarded`, async () => {
      await using stand = await lane.open();
      const { runtime } = stand;
      const stream = newStream();
      using feed = new DataSubscriber(lane.config(), stream, { runtime });
      const firstSequence = Number.MAX_SAFE_INTEGER;
      using out = new DataBroadcaster(lane.config(), stream, { runtime, firstSequence });
      const [one, two] = [loanOf(out), loanOf(out)];
      one.data.set(payload(firstSequence));
      one.publish(64, 1, TYPE);
      assertThrows(() => two.publish(64, 1, TYPE), SequenceExhaustedError);
      assertEquals(out.getStats().errors, 1);
      two.discard();
      assertEquals(drain(feed), [firstSequence]);
    });
  }

  test(`${lane.name}: a closed broadcaster lends nothing`, async () => {
    await using stand = await lane.open();
    const { runtime } = stand;
    const out = new DataBroadcaster(lane.config(), newStream(), { runtime });
    out.close();
    assertThrows(() => out.loan(), ClosedError);
  });
}
