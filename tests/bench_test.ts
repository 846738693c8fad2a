// SPDX-License-Identifier: Apache-2.0
// What the benches compute with: figures that are wrong there would be wrong without a sign of it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { Histogram, PERCENTILE_NAMES } from "../bench/support/histogram.ts";
import { benchPage, pageOf } from "../bench/support/page.ts";
import { compare, fromComparisons, median, medianPercentiles, type Row } from "../bench/support/row.ts";
import { formatTable } from "../bench/support/table.ts";
import { startProgram, startScript } from "./support/process.ts";

const ROW: Row = {
  id: "ring-tick",
  runtime: "deno",
  unit: "us",
  value: 0.4,
  samples: 10,
  note: "a </script> <b>note</b>",
  ...fromComparisons([
    compare("p50, C iceoryx", 0.4, 2, { atMost: 0.25 }),
    compare("p50, bare word", 0.4, 0.1, { atMost: 3 }),
    compare("p50, plain shared memory", 0.4, 0.2),
  ]),
};

test("Histogram.percentiles, exact below 256 and within 0.4 % above", () => {
  const histogram = new Histogram();
  for (let value = 1; value <= 100; value++) histogram.add(value);
  const small = histogram.percentiles();
  assertEquals([small.p10, small.p50, small.p99, small.max], [10, 50, 99, 100]);

  const large = new Histogram();
  for (let value = 1; value <= 100_000; value++) large.add(value);
  const { p50, p9999, max } = large.percentiles(2);
  assertEquals(max, 200_000);
  for (const [got, wanted] of [[p50, 100_000], [p9999, 199_980]]) {
    assert(got <= wanted && got > wanted * (1 - 1 / 256), `${got} instead of ${wanted}`);
  }
});

test("Histogram.percentiles, rising and named as PERCENTILE_NAMES says", () => {
  const histogram = new Histogram();
  for (let value = 0; value < 10_000; value++) histogram.add(value * value);
  const percentiles = histogram.percentiles();
  assertEquals(Object.keys(percentiles), [...PERCENTILE_NAMES]);
  const values = PERCENTILE_NAMES.map((name) => percentiles[name]);
  assertEquals(values, [...values].sort((a, b) => a - b));
});

test("the floors print every percentile that is compared", async () => {
  const cpu = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]!;
  // Two threads on one CPU take turns by the scheduler's slices, so a few rounds are enough.
  const rounds = ["--count", "20", "--warmup", "1", "--cpu-ping", cpu, "--cpu-pong", cpu];
  const floors = [["floor_word"], ["floor_plain_pingpong", "--bytes", "8160"], [
    "floor_iox2_pingpong",
    "--bytes",
    "72",
  ]];
  for (const [name, ...options] of floors) {
    const floor = startProgram(`build/bin/${name}`, [...options, ...rounds]);
    const report = JSON.parse(await floor.nextLine()) as Record<string, unknown>;
    assertEquals((await floor.exited()).code, 0);
    assertEquals([report.ok, report.count], [true, 20]);
    for (const percentile of PERCENTILE_NAMES) assertEquals(typeof report[percentile], "number", percentile);
  }
});

test("floor_plain_throughput, copies and decodes what was written", async () => {
  const cpu = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]!;
  const options = ["--count", "200", "--warmup", "10", "--slots", "64", "--cpu-writer", cpu, "--cpu-reader", cpu];
  for (const work of [["--bytes", "72"], ["--decode", "1"]]) {
    const floor = startProgram("build/bin/floor_plain_throughput", [...work, ...options]);
    const report = JSON.parse(await floor.nextLine()) as { ok: boolean; blocksPerSecond: number };
    assertEquals((await floor.exited()).code, 0);
    assert(report.ok && report.blocksPerSecond > 0);
  }
});

test("json-pipe, two processes exchange ticks and agree on their sum", async () => {
  const folder = mkdtempSync(join(tmpdir(), "qaultra-json-pipe-"));
  const [there, back] = ["there", "back"].map((name) => join(folder, name));
  execFileSync("mkfifo", [there!, back!]);
  const options = ["--there", there!, "--back", back!, "--count", "200", "--warmup", "10"];
  const pong = startScript("bench/workers/json_pong.ts", options);
  const ping = startScript("bench/workers/json_ping.ts", options);
  assertEquals(await pong.nextLine(), "ready");
  const reports = [ping, pong].map(async (end) => JSON.parse(await end.nextLine()) as Record<string, unknown>);
  const [asked, answered] = await Promise.all(reports);
  assertEquals([(await ping.exited()).code, (await pong.exited()).code], [0, 0]);
  assertEquals([asked!.ok, asked!.count, answered!.ok], [true, 200, true]);
  assertEquals(asked!.checksum, answered!.checksum);
  rmSync(folder, { recursive: true });
});

test("median, the middle one, and of an even number the lower of the two", () => {
  assertEquals(median([5, 1, 3]), 3);
  assertEquals(median([4, 1, 3, 2]), 2);
});

test("medianPercentiles, of each figure for itself and in another unit", () => {
  const reports = [3, 1, 2].map((factor) =>
    Object.fromEntries(PERCENTILE_NAMES.map((name, index) => [name, factor * (index + 1)]))
  );
  const medians = medianPercentiles(reports, 0.5);
  assertEquals(PERCENTILE_NAMES.map((name) => medians[name]), PERCENTILE_NAMES.map((_, index) => index + 1));
});

test("compare, a ratio and whether it is what was asked", () => {
  assertEquals(compare("x", 2, 4, { atMost: 0.5 }).met, true);
  assertEquals(compare("x", 3, 4, { atMost: 0.5 }).met, false);
  assertEquals(compare("x", 3, 4, { atLeast: 0.8 }).met, false);
  assertEquals(compare("x", 4, 4, { atLeast: 0.8 }).met, true);
  assertEquals(compare("x", 4, 2), { name: "x", value: 4, floor: 2, ratio: 2, goal: null, met: null });
});

test("fromComparisons, the first one is the main one and one missed goal is a miss", () => {
  assertEquals([ROW.floor, ROW.ratio, ROW.met], [2, 0.2, false]);
  assertEquals(ROW.goal, "p50, C iceoryx <= 0.25x; p50, bare word <= 3x");
  assertEquals(fromComparisons([compare("x", 1, 2)]).met, null);
});

test("formatTable, a line for each comparison and the notes below", () => {
  const lines = formatTable([{ ...ROW, figures: { "deliveries/s": 5e7 } }]).split("\n");
  assertMatch(lines[2]!, /^ring-tick +deno +us +0\.40 +2\.00 +0\.20 .*p50, C iceoryx <= 0\.25x +yes$/);
  assertMatch(lines[3]!, /^ +0\.40 +0\.10 +4\.00 +p50, bare word <= 3x +NO$/);
  assertMatch(lines[4]!, /p50, plain shared memory$/);
  assertMatch(lines.at(-1)!, /^ring-tick \(deno\): .*; deliveries\/s 50\.0 M$/);
});

test("pageOf, one file that holds the result as JSON and loads nothing", () => {
  for (const rows of [[ROW], []]) {
    const result = { machine: "a machine\nwith <two> lines", quick: true, rows };
    const page = pageOf(benchPage(result));
    const [, json] = /<script type="application\/json" id="result">([\s\S]*?)<\/script>/.exec(page)!;
    assertEquals(JSON.parse(json!), result);
    assertEquals(page.match(/<\/script>/g)!.length, 2);
    assertNotMatch(page, /<(script|img|iframe)[^>]*\ssrc=|<link[^>]*href="(?!data:)|@import|url\(\s*["']?https?:/);
    assertMatch(page, /uplot/i);
  }
});

test("./x bench, refuses what it does not know with status 2 and lists what there is", async () => {
  for (const args of [["--only", "ring-tock"], ["--runtime", "node"]]) {
    const run = startScript("bench/run.ts", args, { runtime: "deno" });
    assertEquals((await run.exited()).code, 2);
    assertMatch(run.stderr, /There is no (bench "ring-tock"|runtime "node")[\s\S]*\n {2}ring-tick {2,}\w/);
  }
});
