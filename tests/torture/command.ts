// SPDX-License-Identifier: Apache-2.0
// How a peer script hears and speaks: lines on stdin, lines of JSON on stdout.
import process from "node:process";
import { createInterface } from "node:readline";
import { IpcError, Runtime } from "../../mod.ts";
import { delay } from "../support/wait.ts";
import type { PeerDemand } from "./demand.ts";

const RETRY_MS = 20;
const GARBAGE_BYTES = 32 * 1024 * 1024;
/** The status of a script that ends itself. */
const EXIT_STATUS = 7;

/** Says something. */
export function say(at: string, what: object = {}): void {
  console.log(JSON.stringify({ at, ...what }));
}

/** The argument of the script. */
export function demandOfThis(): PeerDemand {
  return JSON.parse(process.argv[2]!) as PeerDemand;
}

/** Opens the runtime, and keeps the states that it tells of. */
export async function openRuntime({ runtime: options }: PeerDemand, told: string[]): Promise<Runtime> {
  const runtime = await patiently(() => Runtime.open(options));
  runtime.addEventListener("statechange", ({ state }) => told.push(state));
  return runtime;
}

/** Opens something, as a script does that was told to come back later: again and again, until RouDi takes it. */
export async function patiently<T>(open: () => T): Promise<T> {
  let last = "";
  while (true) {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof IpcError)) throw error;
      if (error.code !== last) say("refused", { code: error.code });
      last = error.code;
      await delay(RETRY_MS);
    }
  }
}

/** The lines that a script is told, and what all peers do at some of them. */
export class Commands {
  /** Whether its input has ended, and the script is to end. */
  isEnding = false;
  #open!: () => void;
  /** Resolves when it is told to begin. */
  readonly opened: Promise<void> = new Promise((resolve) => this.#open = resolve);
  #mustThrow = false;
  #garbage: unknown[] | null = null;

  constructor(answer: (command: string) => void) {
    say("started");
    void this.#obey(answer);
  }

  async #obey(answer: (command: string) => void): Promise<void> {
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === "open") this.#open();
      else if (line === "throw") this.#mustThrow = true;
      else if (line === "exit") leave();
      else if (line === "hog") this.#garbage = [];
      else answer(line);
    }
    this.isEnding = true;
    this.#open();
  }

  /** Called in every turn of the script's loop: throws, or takes more memory, when it was told to. */
  turn(): void {
    if (this.#mustThrow) throw new Error("on purpose");
    this.#garbage?.push(new Uint8Array(GARBAGE_BYTES).fill(1));
  }
}

function leave(): never {
  const { Deno } = globalThis as { Deno?: { exit(code: number): never } };
  if (Deno !== undefined) Deno.exit(EXIT_STATUS);
  process.exit(EXIT_STATUS);
}

/** A turn of the event loop, in which what was told is heard. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
