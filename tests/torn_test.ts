// SPDX-License-Identifier: Apache-2.0
// Writers that lap their readers on purpose: no torn block is taken for a whole one. `./x torn` does the same for hours.
import { after, before, test } from "node:test";
import { assertEquals, assertGreater } from "@std/assert";
import { otherRuntime } from "./ring/peers.ts";
import { RouDi } from "./support/roudi.ts";
import { currentRuntime } from "./support/runtime.ts";
import { BLIND_COPY, BLIND_IN_C, BLIND_IN_PLACE, HASTY_WRITER, makeModule, makeReaderProgram } from "./torn/mutant.ts";
import { runTrial, type Trial } from "./torn/trial.ts";

const SEED = 5;
/** Blocks of a trial: a second or so. */
const SHORT_BLOCKS = 200_000;
const FULL_BLOCKS = 10_000;

let roudi: RouDi;
before(async () => roudi = await RouDi.start({ monitoring: false }));
after(() => roudi.stop());

const TRIALS: readonly Trial[] = [
  { reader: currentRuntime, mode: "stable", writers: ["c"], usedBytes: 64, capacity: 16, seed: SEED },
  { reader: currentRuntime, mode: "stable", writers: [otherRuntime], usedBytes: 8160, capacity: 16, seed: SEED },
  { reader: currentRuntime, mode: "stable", writers: ["c", otherRuntime], usedBytes: 64, capacity: 64, seed: SEED },
  { reader: currentRuntime, mode: "in-place", writers: ["c"], usedBytes: 64, capacity: 64, seed: SEED },
  { reader: currentRuntime, mode: "in-place", writers: [otherRuntime], usedBytes: 8160, capacity: 16, seed: SEED },
  { reader: currentRuntime, mode: "in-place", writers: ["c", otherRuntime], usedBytes: 64, capacity: 64, seed: SEED },
  { reader: "c", mode: "stable", writers: ["c", currentRuntime], usedBytes: 64, capacity: 16, seed: SEED },
  { reader: "c", mode: "in-place", writers: [currentRuntime], usedBytes: 8160, capacity: 16, seed: SEED },
];

for (const trial of TRIALS) {
  const { reader, mode, writers, usedBytes } = trial;
  const name = `${reader} reads ${usedBytes} bytes, ${mode}, that ${writers.join(" and ")} overwrite`;
  test(`${name}: no torn block counts as received, and the counts add up`, async () => {
    const wanted = usedBytes === 64 ? SHORT_BLOCKS : FULL_BLOCKS;
    const { reported, faults, laps } = await runTrial(trial, ({ good }) => good >= wanted);
    assertEquals([reported, faults], [0, []]);
    // It was a race.
    assertGreater(laps, 0);
  });
}

/** A trial of something that lacks a check ends when a torn block was taken for a whole one. */
async function findsOut(trial: Partial<Trial>): Promise<void> {
  const whole: Trial = {
    ...{ reader: currentRuntime, mode: "stable", writers: [currentRuntime], usedBytes: 8160, capacity: 16, seed: SEED },
    ...trial,
  };
  const { reported } = await runTrial(whole, (report) => report.reported > 0);
  assertGreater(reported, 0);
}

test("a reader that does not look again after it has copied a block is found out", () =>
  findsOut({ readerModule: makeModule("blind_copy", BLIND_COPY) }));

test("a reader that takes every block in place for whole is found out", () =>
  findsOut({ mode: "in-place", readerModule: makeModule("blind_in_place", BLIND_IN_PLACE) }));

test("a writer that overwrites a block under its old stamp is found out", () =>
  findsOut({ mode: "in-place", writerModule: makeModule("hasty_writer", HASTY_WRITER) }));

test("a reader in C that does not look again is found out, in both modes", async () => {
  const readerProgram = makeReaderProgram("blind_in_c", BLIND_IN_C);
  for (const mode of ["stable", "in-place"] as const) await findsOut({ reader: "c", mode, readerProgram });
});
