// SPDX-License-Identifier: Apache-2.0
// What one number decides: an episode of the fuzzer is the same calls again for the same seed, and any part of it can be left out.
import type { BroadcastConfigFields, Stack } from "../../mod.ts";
import type { NativeStack } from "../support/ground.ts";
import { Random } from "../support/random.ts";

/** One run of a few thousand calls on streams of its own, from an opened runtime to nothing left. */
export interface Episode {
  /** With iceoryx a part of the episodes takes place in memory. */
  readonly stack: NativeStack;
  readonly seed: number;
  /** Calls of all Workers together. */
  readonly calls: number;
  /** By Worker, which of its calls are made; all when it is not given. */
  readonly only?: readonly (readonly number[])[] | undefined;
}

/** Where an episode takes place. */
export interface Setting {
  readonly stack: Stack;
  /** 1: the main thread alone. More: so many Workers. */
  readonly workers: number;
  readonly streams: readonly StreamProfile[];
}

/** A stream of an episode, and how its two ends are mostly made. */
export interface StreamProfile {
  readonly service: string;
  readonly name: string;
  readonly fields: Partial<BroadcastConfigFields>;
}

const STREAMS = 3;
const PROFILES: readonly Partial<BroadcastConfigFields>[] = [
  { lane: "queue" },
  { lane: "queue", delivery: "lossless" },
  { lane: "ring" },
  { lane: "ring", read: "in-place" },
  { lane: "ring", delivery: "lossless" },
  { lane: "ring", queueLane: "off" },
  { lane: "auto" },
  { lane: "auto", delivery: "lossless" },
  {},
];

/** What the seed says of the place. */
export function settingOf({ stack: native, seed }: Episode): Setting {
  const random = randomOf(seed, 0, 0);
  const picked = random.pick(["iceoryx", "iceoryx", "memory"] as const);
  const stack = native === "iceoryx" ? picked : native;
  const workers = random.pick([1, 1, 2, 3]);
  const streams = Array.from({ length: STREAMS }, (_, index): StreamProfile => {
    const fields = random.pick(PROFILES);
    const usable = stack === "memory" && fields.lane === "queue" ? { ...fields, lane: "auto" as const } : fields;
    return { service: random.pick(["QAULTRA", "fuzz"]), name: `fuzz_${seed}_${index}`, fields: usable };
  });
  return { stack, workers, streams };
}

/** The random numbers of one call: they do not depend on whether others are made. */
export function randomOf(seed: number, worker: number, index: number): Random {
  const state = mix(mix(mix(seed) ^ (worker + 1)) ^ index);
  return new Random(state);
}

/** Scatters 32 bits (the finalizer of MurmurHash3). */
export function mix(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** The calls of one Worker, by index. */
export function indicesOf({ calls, only }: Episode, workers: number, worker: number): readonly number[] {
  if (only !== undefined) return only[worker] ?? [];
  return Array.from({ length: Math.floor(calls / workers) }, (_, index) => index);
}

/** `1,2,5-9;0-3`: the calls of each Worker. */
export function encodeOnly(only: readonly (readonly number[])[]): string {
  return only.map((indices) => {
    const runs: string[] = [];
    for (let at = 0; at < indices.length;) {
      let end = at;
      while (indices[end + 1] === indices[end]! + 1) end++;
      runs.push(end === at ? `${indices[at]}` : `${indices[at]}-${indices[end]}`);
      at = end + 1;
    }
    return runs.join(",");
  }).join(";");
}

/** The opposite of {@linkcode encodeOnly}. */
export function decodeOnly(text: string): number[][] {
  return text.split(";").map((part) =>
    part.split(",").filter((run) => run !== "").flatMap((run) => {
      const [first = NaN, last = first] = run.split("-").map(Number);
      if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) throw new Error(`"${run}" names no calls`);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    })
  );
}
