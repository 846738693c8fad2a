// SPDX-License-Identifier: Apache-2.0
// A writer or a reader of a cell, as the harness talks to it: one of our scripts, or a raw iceoryx program.
import type { Process } from "../support/process.ts";
import { delay } from "../support/wait.ts";
import { Failure } from "./failure.ts";

/** A line that a peer said. */
interface Said {
  readonly at: string;
}

/** How often what is waited for is looked at. */
const LOOK_MS = 4;
const LINES_SHOWN = 3;
/** How long a process that was told to end may take, before it is killed. */
const END_MS = 10_000;

/**
 * Resolves to the first value of the condition that is neither undefined nor false.
 *
 * @param living Who must live meanwhile.
 * @throws {Failure} A freeze at the end of the time, an abort when one of the living ends.
 */
export async function until<T>(
  living: readonly Peer[],
  condition: () => T | undefined | false,
  what: string,
  limitMs: number,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  while (true) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    for (const peer of living) {
      if (!peer.isAlive) throw new Failure("abort", `while waiting for ${what}: ${peer.report()}`);
    }
    if (performance.now() > deadline) {
      const reports = living.map((peer) => peer.report()).join("; ");
      throw new Failure("freeze", `no ${what} in ${limitMs} ms: ${reports}`);
    }
    await delay(LOOK_MS);
  }
}

/** A process that says lines of JSON. */
export class Peer {
  readonly process: Process;
  /** What RouDi knows it by. */
  readonly name: string;
  /** Where a writer's log lies. */
  readonly log: string;
  readonly #said = new Map<string, Said[]>();
  #heard = 0;

  constructor(process: Process, name: string, log: string) {
    this.process = process;
    this.name = name;
    this.log = log;
  }

  /** Whether it runs. */
  get isAlive(): boolean {
    return this.process.exit === null;
  }

  /** All that it said of a kind. */
  all<T>(at: string): readonly T[] {
    const { lines } = this.process;
    for (; this.#heard < lines.length; this.#heard++) {
      const line = lines[this.#heard]!;
      if (!line.startsWith('{"at"')) continue;
      const said = JSON.parse(line) as Said;
      const list = this.#said.get(said.at);
      if (list === undefined) this.#said.set(said.at, [said]);
      else list.push(said);
    }
    return (this.#said.get(at) ?? []) as unknown as T[];
  }

  /** Tells it something and resolves to what it then says. */
  async ask<T>(command: string, limitMs: number): Promise<T> {
    const before = this.all("stats").length;
    this.process.writeLine(command);
    return await until([this], () => this.all<T>("stats")[before], `answer to "${command}"`, limitMs);
  }

  /** Ends its input and resolves when it has ended in order. */
  async end(): Promise<void> {
    this.process.closeInput();
    await until([], () => !this.isAlive, `end of ${this.name}`, END_MS);
    if (this.process.exit!.code !== 0) throw new Failure("abort", `not an end in order: ${this.report()}`);
  }

  /** The end of what it said and how it ended, for a message. */
  report(): string {
    const { exit, stderr, lines } = this.process;
    const said = lines.slice(-LINES_SHOWN).join(" ");
    return `${this.name} ${exit === null ? "runs" : JSON.stringify(exit)} ${said} ${stderr.trim().slice(-400)}`.trim();
  }
}
