// SPDX-License-Identifier: Apache-2.0
// The semantics of the API, stated against the API alone. Each lane of each stack runs all of it.
import { testBackPressure } from "./back_pressure.ts";
import { testBatch } from "./batch.ts";
import { testChecksum } from "./checksum.ts";
import { testClose } from "./close.ts";
import { testHeld } from "./held.ts";
import { testHistory } from "./history.ts";
import type { Lane } from "./lane.ts";
import { testLoan } from "./loan.ts";
import { testLoss } from "./loss.ts";
import { testManager } from "./manager.ts";
import { testMany } from "./many.ts";
import { testOrder } from "./order.ts";
import { testPace } from "./pace.ts";
import { testPoll } from "./poll.ts";
import { testPool } from "./pool.ts";
import { testRecords } from "./records.ts";
import { testStats } from "./stats.ts";

/** Registers every test that this lane can be held to. */
export function testConformance(lane: Lane): void {
  testOrder(lane);
  if (lane.delivery === "lossy") testLoss(lane);
  else {
    testBackPressure(lane);
    testPace(lane);
  }
  if (lane.hasPool) testPool(lane);
  testHistory(lane);
  testMany(lane);
  if (!lane.isVolatile) testHeld(lane);
  testBatch(lane);
  testRecords(lane);
  testLoan(lane);
  testPoll(lane);
  testChecksum(lane);
  testClose(lane);
  testStats(lane);
  testManager(lane);
}
