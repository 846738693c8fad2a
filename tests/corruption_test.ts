// SPDX-License-Identifier: Apache-2.0
// Random bytes written by another process into what a writer and its readers share: nothing crashes or hangs, and with a checksum no
// wrong block is handed out. tests/corruption/trial.ts runs the same as often as it is told.
import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { runCell, SPOILS } from "./corruption/cell.ts";
import { otherRuntime } from "./ring/peers.ts";
import { RouDi } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";

const SEED = 7;

let roudi: RouDi;
before(async () => void (roudi = await RouDi.start()));
after(() => roudi.stop());

for (const [index, { stack, way, target }] of SPOILS.entries()) {
  test(`random bytes in the ${target} of a stream of ${stack} that is read ${way}: all goes on, and no wrong block is handed out`, async () => {
    const cell = { reader: currentRuntime, writer: otherRuntime, stack, way, target };
    const { faults, wrong, good } = await runCell(cell, SEED + index);
    assertEquals([faults, wrong], [[], 0]);
    assert(good > 0);
  });
}
