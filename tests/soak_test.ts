// SPDX-License-Identifier: Apache-2.0
// `./x soak`: half a minute of it, and what it tells right from wrong by.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { bindBlock, Block } from "../src/block/block.ts";
import { writeHeader } from "../src/block/header.ts";
import { FLAG_LENGTH, OFFSET_DATA } from "../src/block/layout.ts";
import { discrepancies, type Life } from "./soak/account.ts";
import { checksOf } from "./soak/checks.ts";
import { lowestOf, riseOf, slopeOf } from "./soak/growth.ts";
import { Load } from "./soak/load.ts";
import type { SoakReaderReport } from "./soak/reader.ts";
import { formatResult, rowsOf } from "./soak/report.ts";
import type { ProcessUse } from "./soak/sample.ts";
import type { Sample, SoakResult } from "./soak/soak.ts";
import { BLOCK_BYTES, faultOf, fillBlock, RECORDS_PER_BLOCK } from "./soak/streams.ts";
import { blockWindow, NotingOwner } from "./support/blocks.ts";
import { PatternMemory } from "./support/fast_pattern.ts";
import { startScript } from "./support/process.ts";
import { currentRuntime, projectFolder } from "./support/runtime.ts";

const MINUTES = 0.5;
/** An hour's goal. A busy machine may miss it by five times. */
const RECORDS_PER_HOUR = 1e9;
const PATIENCE = 5;
const RUN = "tests/soak/run.ts";

describe("./x soak", () => {
  let folder: string;

  before(() => {
    // Not in /tmp, which is another one where it runs.
    folder = mkdtempSync(join(projectFolder, "build/soak-"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test("half a minute: every record is what was sent, every account is right, and nothing grows", async () => {
    const [json, page] = [join(folder, "soak.json"), join(folder, "soak.html")];
    const args = ["--minutes", String(MINUTES), "--runtime", currentRuntime, "--json", json];
    await using run = startScript(RUN, [...args, "--page", page.slice(projectFolder.length + 1)], { runtime: "deno" });
    run.closeInput();
    assertEquals(await run.exited({ timeoutMs: 480_000 }), { code: 0, signal: null }, run.report());
    const rows = JSON.parse(readFileSync(json, "utf8")) as ReturnType<typeof rowsOf>;
    const [faults, records] = rows;
    assertEquals([faults!.id, faults!.value, faults!.met], ["soak-faults", 0, true]);
    assertEquals(records!.id, "soak-records");
    assertGreater(records!.value, RECORDS_PER_HOUR / PATIENCE);
    for (const { id, note, value, met } of rows) assert(met !== false, `${id}, ${note}: ${value}`);
    // The writer, six readers that stay, and RouDi.
    assertEquals(rows.filter(({ id }) => id === "soak-descriptors").length, 8);
    // Every feed, in both runtimes where it stays; every one of them read something.
    const readers = run.lines.filter((line) => /^(lossy|lossless|queue).*, (stays|comes and goes) .* {2}\d/.test(line));
    assertGreater(readers.length, 6 + 6);
    assertMatch(readFileSync(page, "utf8"), /<title>Soak run of @qaultra\/ipc</);
  });

  test("refuses what it does not know with status 2 and says what there is", async () => {
    for (const args of [["--minutes", "0"], ["--minutes", "long"], ["--runtime", "node"]]) {
      const run = startScript(RUN, args, { runtime: "deno" });
      assertEquals((await run.exited()).code, 2);
      assertMatch(run.stderr, /Usage: \.\/x soak/);
    }
  });
});

describe("Load", () => {
  test("has its mean over every whole cycle, and changes within", () => {
    const load = new Load(3000, 60_000);
    for (const cycles of [1, 2, 7]) {
      assertAlmostEquals(load.changing(cycles * 60_000), 3000 * 60 * cycles, 1e-3);
      assertEquals(load.steady(cycles * 60_000), 3000 * 60 * cycles);
      assertEquals(load.floods(cycles * 60_000), cycles);
    }
    const rates = Array.from({ length: 600 }, (_, i) => 10 * (load.changing((i + 1) * 100) - load.changing(i * 100)));
    assertGreater(Math.max(...rates), 5 * 3000);
    assertAlmostEquals(Math.min(...rates), 0, 1e-3);
    assertAlmostEquals(rates.reduce((sum, rate) => sum + rate) / 600, 3000, 1e-3);
  });
});

describe("faultOf", () => {
  const memory = new PatternMemory();
  const window = blockWindow(1);
  const data = window.bytes.subarray(OFFSET_DATA, OFFSET_DATA + BLOCK_BYTES);
  const block = new Block();

  function fault(sequence: number, change: () => void = () => {}, records = RECORDS_PER_BLOCK, type = 0): string {
    fillBlock(memory, sequence, data);
    writeHeader(window, 0, sequence, records, type, FLAG_LENGTH, BLOCK_BYTES, 72, 0);
    change();
    bindBlock(block, window, 0, 1, 2, new NotingOwner(), 1);
    try {
      return faultOf(memory, block);
    } finally {
      block.release();
    }
  }

  test("finds nothing in what was sent, also where the low word of the sequence wraps", () => {
    for (const sequence of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1]) assertEquals(fault(sequence), "");
  });

  test("finds every changed byte, and another number or type of records", () => {
    for (let at = 0; at < BLOCK_BYTES; at++) {
      assertMatch(fault(2 ** 32 + 5, () => void (data[at]! ^= 1)), /^block 4294967301 is not what was sent$/);
    }
    assertMatch(fault(7, () => {}, RECORDS_PER_BLOCK - 1), /112 records of type 0/);
    assertMatch(fault(7, () => {}, RECORDS_PER_BLOCK, 1), /113 records of type 1/);
  });
});

describe("discrepancies", () => {
  const report: SoakReaderReport = {
    ...{ first: 110, last: 199, verified: 80, spanned: 90, faults: [] },
    ...{ receivedBlocks: 80, receivedRecords: 80 * RECORDS_PER_BLOCK, missedBlocks: 15, gaps: 2, droppedByWriter: 0 },
  };
  // Five were lost before the first one came.
  const ring: Life = { feed: "lossy ring", before: 100, joined: 105, told: 200, ended: 210, report };
  const queue: Life = { ...ring, feed: "queue", report: { ...report, missedBlocks: 10 } };
  const lossless: Life = {
    ...ring,
    feed: "lossless ring",
    report: { ...report, first: 105, verified: 95, receivedBlocks: 95, receivedRecords: 95 * 113, missedBlocks: 0 },
  };
  const lives: readonly Life[] = [ring, queue, lossless];

  test("are none where all adds up", () => {
    for (const life of lives) assertEquals(discrepancies(life), [], life.feed);
  });

  test("name each number that does not", () => {
    const changes: readonly [change: Partial<SoakReaderReport>, pattern: RegExp][] = [
      [{ first: null, last: null }, /no block/],
      [{ faults: ["block 5 is not what was sent"] }, /not what was sent/],
      [{ verified: 79 }, /are counted as received/],
      [{ receivedRecords: 80 * 112 }, /records are counted/],
      [{ last: 198 }, /stopped at block 198/],
      [{ last: 210 }, /stopped at block 210/],
      [{ missedBlocks: 9 }, /accounts for/],
      [{ missedBlocks: 21 }, /accounts for/],
    ];
    for (const life of lives) {
      for (const [change, pattern] of changes) {
        const found = discrepancies({ ...life, report: { ...life.report, ...change } });
        assert(found.some((what) => pattern.test(what)), `${life.feed}, ${pattern}: ${found}`);
      }
    }
    const lost = { ...lossless.report, receivedBlocks: 90, verified: 90, receivedRecords: 90 * 113, missedBlocks: 5 };
    assertMatch(discrepancies({ ...lossless, report: lost }).join(), /lost 5 blocks of a lossless stream/);
    assertMatch(discrepancies({ ...queue, report: { ...queue.report, first: 99 } }).join(), /before it was started/);
  });
});

describe("growth", () => {
  test("slopeOf, the line through points in units an hour, with its error", () => {
    const line = Array.from({ length: 10 }, (_, i) => ({ ms: i * 60_000, value: 5 + i / 30 }));
    assertAlmostEquals(slopeOf(line)!.perHour, 2, 1e-9);
    assertAlmostEquals(slopeOf(line)!.error, 0, 1e-9);
    const noisy = line.map(({ ms, value }, i) => ({ ms, value: value + (i % 2) }));
    assertGreater(slopeOf(noisy)!.error, 1);
    assertEquals(slopeOf(line.slice(0, 2)), null);
  });

  test("lowestOf and riseOf, what comes down again is no growth", () => {
    const points = [3, 1, 2, 9, 4, 8, 5].map((value, ms) => ({ ms, value }));
    assertEquals(lowestOf(points, 3), [{ ms: 1, value: 1 }, { ms: 4, value: 4 }]);
    assertEquals(riseOf([7, 7, 9, 7, 7, 8, 7, 9, 9]), 0);
    assertEquals(riseOf([7, 7, 7, 8, 8, 8, 9, 9, 9]), 2);
    assertEquals(riseOf([9, 8, 7]), -2);
    assertEquals(riseOf([]), 0);
  });

  const MINUTE_MS = 60_000;
  const USE: ProcessUse = {
    ...{ rss: 80_000, own: 60_000, descriptors: 30, threads: 12, libraryThreads: 3 },
    ...{ mappings: 250, sharedMappings: 5 },
  };

  /** An hour with a sample each minute, of which the one with index `i` differs from a flat one. */
  function hour(use: (i: number) => Partial<ProcessUse>, shared: (i: number) => object = () => ({})): SoakResult {
    const stream = (blocks: number) => ({
      ...{ next: blocks, blocks, refused: 0, droppedReaders: 0, queueLaneMissedBlocks: 0 },
    });
    const samples = Array.from({ length: 61 }, (_, i): Sample => ({
      ms: i * MINUTE_MS,
      sent: { lossy: stream(i * 81_000), lossless: stream(i * 81_000), queue: stream(i * 18_000) },
      processes: { "writer (deno)": { ...USE, ...use(i) } },
      shared: { files: 6, kib: 60_000, ...shared(i) },
      ...{ restarts: i, verified: 0, missed: 0 },
    }));
    return { samples, readings: [], faults: [] };
  }

  function notMet(result: SoakResult): string[] {
    return checksOf(result).filter(({ met }) => met !== true).map(({ id }) => id);
  }

  test("checksOf, all goals met where nothing grows, whatever comes down again", () => {
    assertEquals(notMet(hour(() => ({}))), []);
    assertEquals(notMet(hour((i) => ({ own: 60_000 + (i % 5) * 4000, descriptors: 30 + i % 3 }))), []);
    // In the warm-up.
    assertEquals(notMet(hour((i) => ({ own: 60_000 + Math.min(i, 9) * 4000 }))), []);
  });

  test("checksOf, names what grows", () => {
    assertEquals(notMet(hour((i) => ({ own: 60_000 + 34 * i }))), ["soak-memory"]);
    assertEquals(notMet(hour((i) => ({ descriptors: 30 + Math.floor(i / 20) }))), ["soak-descriptors"]);
    assertEquals(notMet(hour((i) => ({ sharedMappings: 5 + Math.floor(i / 20) }))), ["soak-sharedMappings"]);
    assertEquals(notMet(hour((i) => ({ libraryThreads: 3 + Math.floor(i / 20) }))), ["soak-libraryThreads"]);
    assertEquals(notMet(hour((i) => ({ threads: 12 + i }))), ["soak-threads"]);
    assertEquals(notMet(hour((i) => ({ mappings: 250 + 3 * i }))), ["soak-mappings"]);
    assertEquals(notMet(hour(() => ({}), (i) => ({ files: 6 + i }))), ["soak-dev-shm"]);
    assertEquals(notMet(hour(() => ({}), (i) => ({ kib: 60_000 + i }))), ["soak-dev-shm"]);
    assertEquals(notMet({ ...hour(() => ({})), faults: ["one"] }), ["soak-faults"]);
    const slow = hour(() => ({}));
    const few = slow.samples.map((sample) => ({ ...sample, sent: slow.samples[Math.floor(sample.ms / 90_000)]!.sent }));
    assertEquals(notMet({ ...slow, samples: few }), ["soak-records"]);
  });

  test("formatResult and rowsOf, say what is not met and what could not be judged", () => {
    const leak = hour((i) => ({ descriptors: 30 + i }));
    const checks = checksOf(leak);
    assertMatch(formatResult(leak, checks), /^NOT MET soak-descriptors, writer \(deno\): 34 more, goal <= 0$/m);
    const row = rowsOf(checks).find(({ met }) => met === false)!;
    assertEquals([row.id, row.runtime, row.note, row.met], ["soak-descriptors", "deno", "writer (deno)", false]);
    const short = { ...leak, samples: leak.samples.slice(0, 20) };
    assertMatch(formatResult(short, checksOf(short)), /2 not judged: the run was too short to tell$/);
    // What failed before there was a sample.
    const none = { samples: [], readings: [], faults: ["no RouDi"] };
    assertMatch(formatResult(none, checksOf(none)), /^FAULT no RouDi$/m);
  });
});
