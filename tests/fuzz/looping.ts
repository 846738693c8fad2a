// SPDX-License-Identifier: Apache-2.0
// Iterations, asked for their next block beside other calls, and whole loops.
import type { Block } from "../../mod.ts";
import type { Random } from "../support/random.ts";
import { within } from "../support/wait.ts";
import type { Call, Untyped } from "./calls.ts";
import { type Machine, turn } from "./machine.ts";
import type { Held, Loop, Reader } from "./reader.ts";
import { mayFail } from "./reading.ts";

const LOOPS_MAX = 2;
/** Far more than an answer takes that is due. */
const ANSWER_MS = 60_000;

function begin(machine: Machine, random: Random): void {
  const reader = machine.readers.length === 0 ? undefined : random.pick(machine.readers);
  if (reader === undefined || reader.loops.length >= LOOPS_MAX) return;
  const abort = new AbortController();
  const own = { signal: abort.signal };
  const options: unknown = machine.spoils(random) ? machine.hostileOptions(random, own, ["signal"]) : own;
  const begun = machine.attempt("blocks", () => reader.feed.blocks(options as Untyped));
  if (!begun.ok) return;
  const { value: blocks } = begun;
  // Options that are made up may have no signal and yet be taken.
  const loop: Loop = { blocks, abort: options === own ? abort : null, pending: null, ended: false, current: null };
  if (machine.spoils(random)) loop.abort?.abort();
  reader.loops.push(loop);
}

/** A block that a promise brought, unless it was given back before the promise could tell. */
function take(reader: Reader, block: Block): Held | null {
  if (!block.released) return reader.took(block, true);
  reader.tookBlindly();
  return null;
}

function pick(machine: Machine, random: Random): { reader: Reader; loop: Loop } | undefined {
  const all = machine.readers.flatMap((reader) => reader.loops.map((loop) => ({ reader, loop })));
  return all.length === 0 ? undefined : random.pick(all);
}

async function next(machine: Machine, random: Random): Promise<void> {
  const chosen = pick(machine, random);
  if (chosen === undefined) return begin(machine, random);
  const { reader, loop } = chosen;
  if (loop.pending !== null) return nextWhileAsked(machine, reader, loop);
  const before = loop.current;
  if (before !== null && !before.block.released) reader.checkHeld(before);
  loop.current = null;
  machine.tally.calls++;
  const { closed } = reader.feed;
  loop.pending = loop.blocks.next().then((result) => {
    loop.pending = null;
    if (result.done) loop.ended = true;
    else {
      machine.expect(!closed && !loop.ended, () => "a loop that has ended went on");
      loop.current = take(reader, result.value);
    }
  }, (error: unknown) => {
    loop.pending = null;
    loop.ended = true;
    mayFail(machine, reader, "next", machine.note("next", error));
  });
  if (before !== null) machine.expect(before.block.released, () => "the block of the turn before is still valid");
  await turn();
}

async function end(machine: Machine, random: Random): Promise<void> {
  const chosen = pick(machine, random);
  if (chosen !== undefined) await endLoop(machine, chosen.reader, chosen.loop, random.integer(0, 2));
}

/** Is refused; unless the answer came in this very moment, when it waits as any other does. */
async function nextWhileAsked(machine: Machine, reader: Reader, loop: Loop): Promise<void> {
  let isSettled = false;
  const asked = machine.attemptLater("next while it is asked", () => loop.blocks.next()).then((outcome) => {
    isSettled = true;
    if (!outcome.ok) return;
    const result = outcome.value;
    if (result.done) loop.ended = true;
    else loop.current = take(reader, result.value);
  });
  await turn();
  if (isSettled) return;
  machine.expect(loop.pending === null, () => "a second question waits beside the first");
  loop.pending = asked.then(() => void (loop.pending = null));
}

/** Ends a loop in one of its ways, and waits for the answer that it owes. */
export async function endLoop(machine: Machine, reader: Reader, loop: Loop, way: number): Promise<void> {
  machine.tally.calls++;
  if (way === 0 && loop.abort !== null) loop.abort.abort();
  else await loop.blocks.return!();
  if (way === 2) await loop.blocks.return!();
  reader.loops.splice(reader.loops.indexOf(loop), 1);
  const { pending } = loop;
  if (pending === null) {
    if (way === 0) await loop.blocks.return!();
    return;
  }
  try {
    await within(pending, { timeoutMs: ANSWER_MS });
  } catch {
    machine.fail("a loop that was ended does not answer");
  }
  await loop.blocks.return!();
  await turn();
}

/** A loop as a script writes it: left by `break`, by an error, or by its signal. */
async function whole(machine: Machine, random: Random): Promise<void> {
  const reader = machine.readers.length === 0 ? undefined : random.pick(machine.readers);
  if (reader === undefined) return;
  let left = random.integer(1, 5);
  const way = random.integer(0, 3);
  const looped = await machine.attemptLater("for await", async () => {
    for await (const block of reader.feed.blocks({ signal: AbortSignal.timeout(1) })) {
      const shown = take(reader, block);
      if (way === 0) await turn();
      if (way === 1) machine.reenter();
      if (shown !== null && !block.released) reader.checkHeld(shown);
      if (--left === 0) break;
    }
  });
  await turn();
  if (!looped.ok) mayFail(machine, reader, "for await", looped.code);
}

/** Loops over subscribers. */
export const LOOPING: readonly Call[] = [
  { weight: 6, make: begin },
  { weight: 20, make: next, later: true },
  { weight: 4, make: end, later: true },
  { weight: 4, make: whole, later: true },
];
