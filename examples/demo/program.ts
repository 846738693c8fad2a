// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** One of the demo's scripts while it runs: it prints lines for people, and its result as JSON at the end. */
export class Program {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string | null>;
  #result: unknown;
  #stderr = "";

  /**
   * Starts a script.
   *
   * @param name What to call it.
   * @param command The program and its arguments.
   * @param onLine Called with each line that is not the result.
   */
  constructor(name: string, command: readonly string[], onLine: (line: string) => void) {
    this.name = name;
    const [program, ...args] = command;
    const child = spawn(program!, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#stderr += text);
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) this.#result = JSON.parse(line);
      else onLine(line);
    });
    this.#ended = new Promise((resolve) => {
      child.on("error", (error) => resolve(`${name} could not be started: ${error.message}`));
      child.on("close", (code, signal) => {
        if (code === 0 && this.#result !== undefined) return resolve(null);
        const how = signal === null ? `status ${code}` : `signal ${signal}`;
        const words = this.#result === undefined ? "without a result" : "after its result";
        resolve(`${name} ended with ${how} ${words}\n${this.#stderr.trimEnd()}`);
      });
    });
  }

  /** Resolves at its end: to null when it ended well, else to what went wrong. */
  get ended(): Promise<string | null> {
    return this.#ended;
  }

  /** What it printed as its result. */
  get result(): unknown {
    return this.#result;
  }

  /** Asks it to end. */
  stop(): void {
    this.#child.kill("SIGTERM");
  }
}
