// SPDX-License-Identifier: Apache-2.0
// The key cells of the kill matrix, a few trials each, with scripts of the runtime that this runs in. `./x torture` runs all of it.
import { describe, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type CellResult, runCell } from "./torture/cell.ts";
import { type Cell, cellId, cellName, CELLS, isIox2, isMeant, KEY_CELLS } from "./torture/cells.ts";
import { formatTable } from "./torture/table.ts";
import { runScript } from "./support/process.ts";
import { currentRuntime } from "./support/runtime.ts";

const TRIALS = 3;
/** Over iceoryx2, which has no daemon to be clogged up by the dead. */
const IOX2_TRIALS = 2;
/** Five times what is promised: after this long somebody is said to be frozen. */
const LIMIT_MS = 15_000;
const OPTIONS = { limitMs: LIMIT_MS, seed: 1 };

/** A death inside of one of iceoryx's critical sections, which nobody can defer: it may freeze RouDi, and keep a chunk. */
const mayFreeze = ({ lane, how, subject }: Cell): boolean =>
  lane === "queue" && how === "SIGKILL" && subject !== "roudi";

for (const cell of KEY_CELLS.filter(({ runtime }) => runtime === currentRuntime)) {
  const promise = mayFreeze(cell) ? "nobody dies or loses" : "nobody freezes, dies, leaves something or loses";
  const trials = isIox2(cell) ? IOX2_TRIALS : TRIALS;
  test(`${cellName(cell)} on ${cell.lane}, ${trials} times: ${promise} without counting it`, async () => {
    const { freezes, aborts, uncounted, broken, left, problems } = await runCell(cell, { ...OPTIONS, trials });
    assertEquals({ aborts, uncounted, broken }, { aborts: 0, uncounted: 0, broken: 0 }, problems.join("\n"));
    if (!mayFreeze(cell)) assertEquals({ freezes, left }, { freezes: 0, left: [] }, problems.join("\n"));
  });
}

test("a cell of raw iceoryx runs in the same harness", async () => {
  // Paced, so that nobody is killed where it freezes others.
  const cell: Cell = { subject: "subscriber", how: "SIGTERM", rate: 1000, lane: "raw", runtime: "c", trials: 1 };
  const { freezes, aborts, uncounted, broken, left, problems } = await runCell(cell, { ...OPTIONS, trials: 1 });
  assertEquals([freezes, aborts, uncounted, broken, left], [0, 0, 0, 0, []], problems.join("\n"));
});

describe("./x torture", () => {
  const ours: CellResult = {
    ...{ cell: "broadcaster-SIGKILL", lane: "ring-lossy", runtime: "deno", trials: 100 },
    ...{ freezes: 0, aborts: 0, uncounted: 0, resume_ms_p50: 80, resume_ms_max: 146, late: 0 },
    ...{ broken: 0, state_ms_max: null, left: ["/dev/shm/x"], problems: ["trial 1: odd"], seconds: 1 },
  };
  const raw = { ...ours, lane: "raw", runtime: "c", trials: 50, freezes: 17, uncounted: 5, left: [], problems: [] };

  test("formatTable, ours and raw iceoryx side by side, and the problems below", () => {
    const lines = formatTable([ours, raw]).split("\n");
    assertMatch(lines[2]!, /^broadcaster-SIGKILL +ring-lossy +deno +100 +0 +0 +0 +0 +1 +80 +146 +0 +50 +17 +0 +5$/);
    assertEquals(lines.slice(3), ["", "broadcaster-SIGKILL ring-lossy deno:", "  left: /dev/shm/x", "  trial 1: odd"]);
    assertMatch(formatTable([raw]).split("\n")[2]!, /^broadcaster-SIGKILL +raw +c +50 +17 /);
  });

  test("cells have ids of their own, and are meant by each part of them", () => {
    assertEquals(new Set(CELLS.map(cellId)).size, CELLS.length);
    const meant = (only: string): number => KEY_CELLS.filter((cell) => isMeant(cell, only)).length;
    assertEquals([meant("broadcaster-SIGKILL"), meant("queue"), meant("roudi-SIGKILL.queue")], [12, 8, 2]);
    assertEquals([meant("subscriber-SIGKILL.ring-lossy.bun"), meant("broadcaster")], [1, 0]);
    assertEquals([meant("queue+iceoryx2"), meant("root-removed")], [10, 6]);
  });

  test("refuses what it does not know with status 2, and lists cells", async () => {
    for (const args of [["--only", "nobody-SIGKILL"], ["--runtime", "node"], ["--trials", "0"]]) {
      const run = await runScript("tests/torture/run.ts", args, { runtime: "deno" });
      assertEquals(run.exit!.code, 2);
      assertMatch(run.stderr, /There (is|are) no [\s\S]*Usage: .\/x torture/);
    }
    const list = await runScript("tests/torture/run.ts", ["--list", "--only", "queue", "--runtime", "bun"], {
      runtime: "deno",
    });
    assert(list.lines.length > 4 && list.lines.every((line) => line.endsWith(".queue.bun")), list.report());
  });
});
