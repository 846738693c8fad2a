// SPDX-License-Identifier: Apache-2.0
// remains_trial.ts [starts]
//
// Starts processes that make rings and kills them at random moments, most of them while they make one, and checks after each kill
// that what the dead left is removed by whoever comes next, and nothing of the living. By hand, with any number of starts:
//
//   sh tests/support/namespace.sh deno run --allow-all tests/ring/remains_trial.ts 1000
import process from "node:process";
import { assertEquals } from "@std/assert";
import { BroadcastConfig, DataBroadcaster, DataSubscriber, Runtime } from "../../mod.ts";
import { epochOf } from "./epoch.ts";
import { type Process, startScript } from "../support/process.ts";
import { Random } from "../support/random.ts";
import { type Pool, RouDi } from "../support/roudi.ts";
import { waitFor } from "../support/wait.ts";
import { ringNames, tableNames } from "./peers.ts";

/** Rings of one process: making them takes about as long as noticing that it makes them. */
const RINGS = 12;
const LIVING_MAX = 2;
/** The announcements of the dead stay until RouDi has noticed. */
export const REMAINS_POOLS: readonly Pool[] = [{ size: 1024, count: 4096 }, { size: 8320, count: 64 }];
const EPOCH = /^[0-9a-f]{16}$/;

/** What came of it. */
export interface RemainsReport {
  readonly starts: number;
  readonly kills: number;
  /** Kills that came while rings were being made. */
  readonly killsWhileMaking: number;
  /** Rings that the killed processes had named. */
  readonly deadRings: number;
}

const config = new BroadcastConfig({ bufferDepth: 16 });
const epochsOf = (starter: Process): string[] => starter.lines.filter((line) => EPOCH.test(line));

/** What removes the remains of the dead. */
const WAYS = {
  "Runtime.open": () => Runtime.open().close(),
  DataBroadcaster: (runtime: Runtime) => new DataBroadcaster(config, "next", { runtime }).close(),
  // The ring of "mine" is attached to by the first subscriber and left by the last.
  attach: (runtime: Runtime) => new DataSubscriber(config, "mine", { runtime, lane: "ring" }).close(),
};

/** Starts so many processes. A RouDi must run. */
export async function runRemainsTrial(starts: number, seed: number): Promise<RemainsReport> {
  const random = new Random(seed);
  const living: Process[] = [];
  let kills = 0;
  let killsWhileMaking = 0;
  let deadRings = 0;
  using runtime = Runtime.open();
  using mine = new DataBroadcaster(config, "mine", { runtime });
  const own = epochOf(mine);
  const end = async (starter: Process, isKilled: boolean): Promise<void> => {
    if (isKilled) {
      starter.kill("SIGKILL");
      kills++;
      if (!starter.lines.includes("done")) killsWhileMaking++;
    } else {
      starter.closeInput();
    }
    const exit = await starter.exited();
    if (!isKilled) assertEquals(exit, { code: 0, signal: null }, starter.report());
    // One that ended in order has removed its own.
    if (isKilled) random.pick(Object.values(WAYS))(runtime);
    const dead = epochsOf(starter);
    if (isKilled) deadRings += dead.length;
    for (const names of [ringNames(), tableNames()]) {
      assertEquals(names.filter((name) => dead.includes(name)), [], "the dead have left rings");
      const alive = [own, ...living.flatMap(epochsOf)];
      const robbed = alive.filter((name) => !names.includes(name));
      assertEquals(robbed, [], `the living were robbed: ${[starter, ...living].map((one) => one.report())}`);
    }
  };
  try {
    for (let start = 0; start < starts; start++) {
      const starter = startScript("tests/ring/starter.ts", [`starter_${start}`, String(RINGS)], {
        runtime: random.pick(["deno", "bun"]),
      });
      const isKilledEarly = random.integer(0, 3) > 0;
      // Some before they have made any, most after a few.
      const patience = random.integer(0, RINGS - 1);
      await waitFor(
        () =>
          starter.exit !== null || (isKilledEarly ? starter.lines.length >= patience : starter.lines.includes("done")),
        { what: starter.report() },
      );
      assertEquals(starter.exit, null, starter.report());
      if (isKilledEarly) {
        await end(starter, true);
        continue;
      }
      living.push(starter);
      if (living.length > LIVING_MAX) await end(living.shift()!, random.integer(0, 3) > 0);
    }
    while (living.length > 0) await end(living.shift()!, true);
    // What somebody left before its data had a name is removed when it is some seconds old.
    await waitFor(() => {
      WAYS["Runtime.open"]();
      return tableNames().length === 1;
    }, { what: "tables without data to go" });
    assertEquals([ringNames(), tableNames()], [[own], [own]]);
  } finally {
    for (const starter of living) await starter[Symbol.asyncDispose]();
  }
  return { starts, kills, killsWhileMaking, deadRings };
}

if (import.meta.main) {
  await using _roudi = await RouDi.start({ pools: REMAINS_POOLS });
  const seed = Date.now() & 0x7fffffff;
  console.log(`seed ${seed}`);
  console.log(JSON.stringify(await runRemainsTrial(Number(process.argv[2] ?? 1000), seed)));
}
