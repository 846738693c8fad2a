// SPDX-License-Identifier: Apache-2.0
import { assertEquals, assertMatch } from "@std/assert";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import type { Results } from "../examples/demo/broadcast.ts";
import { chart } from "../examples/demo/chart.ts";
import type { FeedResult, ReaderResult } from "../examples/demo/results.ts";
import { differences, expectedOf } from "../examples/demo/verify.ts";
import { Process } from "./support/process.ts";
import { projectFolder } from "./support/runtime.ts";

const FILE = `${projectFolder}/node_modules/vega-datasets/data/sp500-2000.csv`;
const BIN = `${projectFolder}/node_modules/.bin`;
/** Faster than anybody could watch. */
const FAST = ["--bars-per-second", "5000"];

function startDemo(args: readonly string[], path: string = BIN): Process {
  return new Process(["sh", "scripts/demo.sh", ...args], { env: { PATH: `${path}:${process.env.PATH}` } });
}

describe("./x demo", () => {
  let folder: string;

  before(() => {
    // Not in /tmp, which is another one where the demo runs.
    folder = mkdtempSync(join(projectFolder, "build/demo-"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test("sends the whole file to both readers on each lane, shows progress and tables, and ends with status 0", async () => {
    const rows = readFileSync(FILE, "utf8").trim().split("\n").length - 1;
    await using demo = startDemo(FAST);
    await demo.exited();
    assertEquals(demo.exit, { code: 0, signal: null }, demo.report());
    const text = demo.lines.join("\n");
    const count = rows.toLocaleString("en-US");
    const [, ring, queue] = /^Over the ring\n([^]*)^Over the queue lane:[^]*?\n([^]*)/m.exec(text)!;
    for (const lane of [ring!, queue!]) assertMatch(lane, /^2000-01-03 feed {6}0 of \d+ bars$/m);
    assertMatch(text, /^2003-05-15 strategy {2}buy {2}at 939\.28$/m);
    assertMatch(text, /^2008-10-06 service {3}alert: drawdown 32\.5 %, volatility 57\.0 % a year$/m);
    assertMatch(text, new RegExp(`^bars sent, received +${count} +${count} +${count}$`, "m"));
    assertMatch(text, /^bars lost +0 +0$/m);
    // A column for the ring beside one for the queue lane.
    const cells = "( +[\\d,.]+ us){2}";
    const percentiles = (label: string): string =>
      ["p50", "p99", "max"].map((key) => `${label}, ${key}${cells}`).join("\n");
    assertMatch(
      text,
      new RegExp(
        [
          "^wake-up and delivery +ring +queue lane",
          percentiles("strategy in Deno"),
          percentiles("risk service in Bun"),
          "publishing a block +ring +queue lane",
          `${percentiles("feed in Deno")}$`,
        ].join("\n"),
        "m",
      ),
    );
    assertMatch(text, /^trades +20$/m);
    assertMatch(text, /^profit and loss +\+173\.8 %$/m);
    assertMatch(text, /^On both lanes both readers have the count and the checksum of the file/m);
  });

  test("ends with status 1 and says what differs when a reader did not see the file", async () => {
    writeFileSync(join(folder, "bun"), `#!/bin/sh\n"${BIN}/bun" "$@" | sed 's/"checksum":[0-9]*/"checksum":1/'\n`);
    chmodSync(join(folder, "bun"), 0o755);
    await using demo = startDemo(FAST, `${folder}:${BIN}`);
    await demo.exited();
    assertEquals(demo.exit?.code, 1, demo.report());
    assertMatch(demo.stderr, /^DIFFERENT ring, checksum of the service: 1 instead of \d+$/m);
    assertMatch(demo.stderr, /^DIFFERENT queue lane, checksum of the service: 1 instead of \d+$/m);
  });

  test("ends with status 1 and stops the others when one of them fails", async () => {
    writeFileSync(join(folder, "bun"), "#!/bin/sh\necho 'no memory today' >&2\nexit 3\n");
    chmodSync(join(folder, "bun"), 0o755);
    await using demo = startDemo(FAST, `${folder}:${BIN}`);
    await demo.exited();
    assertEquals(demo.exit?.code, 1, demo.report());
    assertMatch(demo.stderr, /service ended with status 3 without a result\nno memory today/);
  });
});

describe("differences", () => {
  const expected = expectedOf("date,open,high,low,close,adjclose,volume\n2000-01-03,1,2,0.5,1.5,1.5,100\n");
  const feed = { bars: 1, blocks: { sentBlocks: 2 } } as FeedResult;
  const blocks = { receivedBlocks: 2, missedBlocks: 0, broadcasters: 1 };
  const reader = { bars: 1, checksum: expected.checksum, blocks } as ReaderResult;
  const results = { feed, strategy: reader, service: reader } as Results;

  test("are none when all agree", () => {
    assertEquals(differences("ring", expected, results), []);
  });

  test("name each number that is not what it should be, with its lane and its reader", () => {
    const wrong: ReaderResult[] = [
      { ...reader, bars: 0 },
      { ...reader, checksum: 0 },
      { ...reader, blocks: { ...reader.blocks, receivedBlocks: 1 } },
      { ...reader, blocks: { ...reader.blocks, missedBlocks: 1 } },
      { ...reader, blocks: { ...reader.blocks, broadcasters: 2 } },
    ];
    for (const other of wrong) {
      for (const name of ["strategy", "service"]) {
        const found = differences("ring", expected, { ...results, [name]: other });
        assertEquals(found.length, 1);
        assertMatch(found[0]!, new RegExp(`^ring, .*${name}`));
      }
    }
    assertEquals(differences("ring", expected, { ...results, feed: { ...feed, bars: 2 } }).length, 1);
    const fewer = { ...feed, blocks: { ...feed.blocks, sentBlocks: 1 } };
    assertEquals(differences("ring", expected, { ...results, feed: fewer }).length, 1);
  });
});

describe("chart", () => {
  test("draws the lowest value with one eighth and the highest to the top", () => {
    assertEquals(chart([0, 10], 4, 2), ["        10 ┤  ██", "         0 ┤▁▁██"]);
  });
});
