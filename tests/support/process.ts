// SPDX-License-Identifier: Apache-2.0
// A second process of a test: one of our scripts in Deno or Bun, or a program. Its output is read line by line.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { currentRuntime, projectFolder, type RuntimeName, scriptCommand } from "./runtime.ts";
import { type WaitOptions, within } from "./wait.ts";

/** A signal that a test sends. */
export type SignalName = "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** How a process ended: by its own status, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** How a program is started. */
export interface ProgramOptions {
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The folder it runs in; default: the project's. */
  readonly cwd?: string;
}

/** How a script is started. */
export interface ScriptOptions extends ProgramOptions {
  /** The runtime; default: the one that runs this test. */
  readonly runtime?: RuntimeName;
  /** Deno's permission flags; default: all of them. */
  readonly permissions?: readonly string[];
}

/** A running process. Disposing it kills it, if it still runs, and waits for its end. */
export class Process {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  #nextLine = 0;
  #partial = "";
  #stderr = "";
  #exit: Exit | null = null;
  readonly #exited: Promise<Exit>;
  /** Settled by the next output, and by the end. */
  #news = Promise.withResolvers<void>();

  constructor(command: readonly string[], options: ProgramOptions = {}) {
    const [program, ...args] = command;
    this.#name = command.slice(-3).join(" ");
    const env: Record<string, string> = {};
    for (const [key, value] of Object.entries({ ...process.env, NO_COLOR: "1", ...options.env })) {
      if (value !== undefined) env[key] = value;
    }
    this.#child = spawn(program!, args, { cwd: options.cwd ?? projectFolder, env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#addOutput(text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => this.#stderr += text);
    // A process that ends before it has read its input is no error of the test.
    this.#child.stdin!.on("error", () => {});
    this.#exited = new Promise((resolve, reject) => {
      this.#child.on("error", (cause) => reject(new Error(`Cannot start ${this.#name}`, { cause })));
      this.#child.on("close", (code, signal) => {
        resolve(this.#exit = { code, signal });
        this.#tell();
      });
    });
    this.#exited.catch(() => {});
  }

  #addOutput(text: string): void {
    const parts = (this.#partial + text).split("\n");
    this.#partial = parts.pop()!;
    this.#lines.push(...parts);
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** The process's number. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`Cannot tell the pid of ${this.#name}: it did not start`);
    return this.#child.pid;
  }

  /** How it ended, or null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** All whole lines written to stdout so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Everything written to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The next line of stdout that was not handed out yet. Rejects when the process ends, or the time passes, without one. */
  async nextLine(options: WaitOptions = {}): Promise<string> {
    while (this.#nextLine >= this.#lines.length) {
      if (this.#exit !== null) throw new Error(`${this.#name} ended without another line: ${this.report()}`);
      await within(this.#news.promise, { what: `a line from ${this.#name}`, ...options });
    }
    return this.#lines[this.#nextLine++]!;
  }

  /** The next line of stdout that matches; lines before it are passed over. */
  async waitForLine(pattern: RegExp | string, options: WaitOptions = {}): Promise<string> {
    while (true) {
      const line = await this.nextLine({ what: `a line like ${pattern} from ${this.#name}`, ...options });
      if (typeof pattern === "string" ? line.includes(pattern) : pattern.test(line)) return line;
    }
  }

  /** Writes one line to its stdin. */
  writeLine(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Ends its stdin. */
  closeInput(): void {
    this.#child.stdin!.end();
  }

  /** Sends a signal; false when the process has ended. */
  kill(signal: SignalName = "SIGKILL"): boolean {
    if (this.#exit !== null) return false;
    try {
      return process.kill(this.pid, signal);
    } catch {
      return false;
    }
  }

  /** Resolves when the process has ended and all of its output was read. */
  exited(options: WaitOptions = {}): Promise<Exit> {
    return within(this.#exited, { what: `the end of ${this.#name}`, ...options });
  }

  /** What it wrote and how it ended, for a message. */
  report(): string {
    return `${this.#name}: exit ${JSON.stringify(this.#exit)}\nstdout: ${
      this.#lines.join("\n")
    }\nstderr: ${this.#stderr}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.exited();
  }
}

/** Starts a program, for example a peer in `build/bin`; a path without a leading slash is one of the project's. */
export function startProgram(path: string, args: readonly string[] = [], options: ProgramOptions = {}): Process {
  return new Process([path.startsWith("/") ? path : `${projectFolder}/${path}`, ...args], options);
}

/** Starts a script of the project, for example `tests/support/echo.ts`, in the runtime of this test or in the one named. */
export function startScript(path: string, args: readonly string[] = [], options: ScriptOptions = {}): Process {
  const command = scriptCommand(options.runtime ?? currentRuntime, options.permissions ?? ["--allow-all"]);
  const script = path.startsWith("/") ? path : `${projectFolder}/${path}`;
  return new Process([...command, script, ...args], options);
}

/** Runs a script to its end. */
export async function runScript(
  path: string,
  args: readonly string[] = [],
  options: ScriptOptions & WaitOptions = {},
): Promise<Process> {
  const script = startScript(path, args, options);
  script.closeInput();
  try {
    await script.exited(options);
  } catch (error) {
    script.kill("SIGKILL");
    throw error;
  }
  return script;
}
