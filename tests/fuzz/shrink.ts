// SPDX-License-Identifier: Apache-2.0
// Makes a failing episode small: leaves out calls as long as it still fails in the same way. From outside, since it may crash.
import type { NativeStack } from "../support/ground.ts";
import type { RuntimeName } from "../support/runtime.ts";
import { EPISODE_CALLS, type Failure, playApart, replayCommand } from "./campaign.ts";
import { indicesOf, settingOf } from "./episode.ts";

type Only = readonly (readonly number[])[];

/** Processes started for it at the most. */
const PLAYS_MAX = 150;
/** How often an episode of several threads is played before it is believed to be sound. */
const TRIES_OF_THREADS = 3;

/** What a failure is called, without what changes from run to run. */
function nameOf({ kind, text }: Failure): string {
  return kind === "violation" ? text.split("\n")[0]!.replace(/\d+/g, "#") : kind;
}

/** Shrinks a failing episode and prints what is left of it. */
export async function shrink(stack: NativeStack, runtime: RuntimeName, failure: Failure): Promise<void> {
  const { seed } = failure;
  const { workers } = settingOf({ stack, seed, calls: EPISODE_CALLS });
  const tries = workers === 1 ? 1 : TRIES_OF_THREADS;
  let plays = 0;
  const fails = async (only: Only): Promise<boolean> => {
    for (let attempt = 0; attempt < tries && plays < PLAYS_MAX; attempt++) {
      plays++;
      const found = await playApart({ stack, runtime, seed, episodes: 1, only });
      if (found !== null && nameOf(found) === nameOf(failure)) return true;
    }
    return false;
  };
  const all: (readonly number[])[] = Array.from(
    { length: workers },
    (_, worker) => indicesOf({ stack, seed, calls: EPISODE_CALLS }, workers, worker),
  );
  if (workers === 1 && failure.index >= 0) all[0] = all[0]!.slice(0, failure.index + 1);
  if (!await fails(all)) {
    console.log(`  alone it does not fail again; episodes before it may be a part of it`);
    return;
  }
  const smallest = await without(
    all.flatMap((indices, worker) => indices.map((index) => ({ worker, index }))),
    (calls) => fails(all.map((_, worker) => calls.filter((call) => call.worker === worker).map(({ index }) => index))),
  );
  const only = all.map((_, worker) => smallest.filter((call) => call.worker === worker).map(({ index }) => index));
  console.log(`  ${smallest.length} calls are enough (${plays} plays): ${replayCommand(stack, runtime, seed, only)}`);
}

/** Leaves out as many as possible, in ever smaller runs (delta debugging). */
async function without<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let left = items;
  for (let size = left.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < left.length;) {
      const fewer = [...left.slice(0, at), ...left.slice(at + size)];
      if (await fails(fewer)) left = fewer;
      else at += size;
    }
  }
  return left;
}
