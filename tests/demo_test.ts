// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertMatch } from "@std/assert";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { chart } from "../examples/demo/chart.ts";
import { differences, expectedOf, type FeedResult, type ReaderResult } from "../examples/demo/verify.ts";
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

  test("sends the whole file to both readers, shows progress and a table, and ends with status 0", async () => {
    const rows = readFileSync(FILE, "utf8").trim().split("\n").length - 1;
    await using demo = startDemo(FAST);
    await demo.exited();
    assertEquals(demo.exit, { code: 0, signal: null }, demo.report());
    const text = demo.lines.join("\n");
    const count = rows.toLocaleString("en-US");
    assertMatch(text, /^2000-01-03 feed {6}0 of \d+ bars$/m);
    assertMatch(text, /^2003-05-15 strategy {2}buy {2}at 939\.28$/m);
    assertMatch(text, /^2008-10-06 service {3}alert: drawdown 32\.5 %, volatility 57\.0 % a year$/m);
    assertMatch(text, new RegExp(`^bars sent, received +${count} +${count} +${count}$`, "m"));
    assertMatch(text, /^bars lost +0 +0$/m);
    for (const which of ["p50", "p99", "max"]) {
      assertMatch(text, new RegExp(`^publishing a block, ${which} +[\\d,.]+ us$`, "m"));
      assertMatch(text, new RegExp(`^wake-up and delivery, ${which} +[\\d,.]+ us +[\\d,.]+ us$`, "m"));
    }
    assertMatch(text, /^trades +20$/m);
    assertMatch(text, /^profit and loss +\+173\.8 %$/m);
    assertMatch(text, /^Both readers have the count and the checksum of the file/m);
  });

  test("ends with status 1 and says what differs when a reader did not see the file", async () => {
    writeFileSync(join(folder, "bun"), `#!/bin/sh\n"${BIN}/bun" "$@" | sed 's/"checksum":[0-9]*/"checksum":1/'\n`);
    chmodSync(join(folder, "bun"), 0o755);
    await using demo = startDemo(FAST, `${folder}:${BIN}`);
    await demo.exited();
    assertEquals(demo.exit?.code, 1, demo.report());
    assertMatch(demo.stderr, /^DIFFERENT checksum of the service: 1 instead of \d+$/m);
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

  test("are none when all agree", () => {
    assertEquals(differences(expected, feed, { reader }), []);
  });

  test("name each number that is not what it should be", () => {
    const wrong: Record<string, ReaderResult> = {
      bars: { ...reader, bars: 0 },
      checksum: { ...reader, checksum: 0 },
      received: { ...reader, blocks: { ...reader.blocks, receivedBlocks: 1 } },
      lost: { ...reader, blocks: { ...reader.blocks, missedBlocks: 1 } },
      others: { ...reader, blocks: { ...reader.blocks, broadcasters: 2 } },
    };
    for (const [name, other] of Object.entries(wrong)) {
      const found = differences(expected, feed, { [name]: other });
      assertEquals(found.length, 1);
      assert(found[0]!.includes(name));
    }
    assertEquals(differences(expected, { ...feed, bars: 2 }, { reader }).length, 1);
  });
});

describe("chart", () => {
  test("draws the lowest value with one eighth and the highest to the top", () => {
    assertEquals(chart([0, 10], 4, 2), ["        10 ┤  ██", "         0 ┤▁▁██"]);
  });
});
