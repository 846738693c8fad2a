// SPDX-License-Identifier: Apache-2.0
// The process that plays episodes, one after the other, and says so in lines of JSON. It has a RouDi of its own, where one is needed; should it crash or
// hang, whoever started it knows from the last line in which episode.
import { writeSync } from "node:fs";
import process from "node:process";
import type { NativeStack } from "../support/ground.ts";
import { RouDi } from "../support/roudi.ts";
import { decodeOnly } from "./episode.ts";
import { endWorkers, play, type Played } from "./play.ts";

/** What it says. */
export type Line = { readonly begin: number } | ({ readonly end: number } & Played);

/** Chunks of RouDi's pool: few, so that it is empty now and then. */
const POOL_BLOCKS = 1024;

function say(line: Line): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

const [stack, seedText = "", callsText = "", episodesText = "1", onlyText = ""] = process.argv.slice(2);
const calls = Number(callsText);
const only = onlyText === "" ? undefined : decodeOnly(onlyText);
const roudi = stack === "iceoryx" ? await RouDi.start({ blocks: POOL_BLOCKS }) : null;
let status = 0;
try {
  for (let episode = 0; episode < Number(episodesText) && status === 0; episode++) {
    const seed = Number(seedText) + episode;
    say({ begin: seed });
    const played = await play({ stack: stack as NativeStack, seed, calls, only });
    say({ end: seed, ...played });
    if (played.fault !== null) status = 1;
  }
  await endWorkers();
} finally {
  await roudi?.stop();
}
process.exit(status);
