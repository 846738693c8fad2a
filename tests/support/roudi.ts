// SPDX-License-Identifier: Apache-2.0
// A real RouDi for a test. Every test file runs in a namespace of its own (namespace.sh), so the socket and the segments
// that it meets are this file's alone.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Process } from "./process.ts";
import { waitFor } from "./wait.ts";

/** Chunks of one size. A chunk carries its header too: a block of 8192 bytes aligned to 64 needs a size of 8320. */
export interface Pool {
  readonly size: number;
  readonly count: number;
}

/** How a RouDi is started. */
export interface RouDiOptions {
  /** The block pool's chunks, where `pools` says nothing; default 1024. */
  readonly blocks?: number;
  /** All pools; default: 256 chunks of 1024 bytes, and the block pool. */
  readonly pools?: readonly Pool[];
  /** Groups of the data segment; default: the user's own. */
  readonly readers?: string;
  readonly writers?: string;
  /** Whether it takes processes without a heartbeat for dead; default true, as in production. */
  readonly monitoring?: boolean;
  /** Its log; default "error". */
  readonly logLevel?: "off" | "fatal" | "error" | "warning" | "info" | "debug" | "verbose";
}

const BLOCK_CHUNK_SIZE = 8320;
const ANNOUNCEMENT_POOL: Pool = { size: 1024, count: 256 };
const DEFAULT_BLOCKS = 1024;
const READY = "RouDi is ready for clients";

function configuration(options: RouDiOptions): string {
  const pools = options.pools ??
    [ANNOUNCEMENT_POOL, { size: BLOCK_CHUNK_SIZE, count: options.blocks ?? DEFAULT_BLOCKS }];
  const groups = [
    options.readers === undefined ? "" : `reader = "${options.readers}"\n`,
    options.writers === undefined ? "" : `writer = "${options.writers}"\n`,
  ].join("");
  const mempools = pools.map(({ size, count }) => `[[segment.mempool]]\nsize = ${size}\ncount = ${count}\n`).join("\n");
  return `[general]\nversion = 1\n\n[[segment]]\n${groups}\n${mempools}`;
}

/** A running `iox-roudi`. Disposing it stops it and removes its files. */
export class RouDi {
  readonly #process: Process;

  private constructor(daemon: Process) {
    this.#process = daemon;
  }

  /** Starts one and resolves when it takes clients. What a killed one left is RouDi's own business to clear. */
  static async start(options: RouDiOptions = {}): Promise<RouDi> {
    const folder = mkdtempSync(join(tmpdir(), "roudi-"));
    const file = join(folder, "roudi.toml");
    writeFileSync(file, configuration(options));
    const daemon = new Process([
      ...["iox-roudi", "--config-file", file, "--log-level", options.logLevel ?? "error"],
      ...["--monitoring-mode", options.monitoring === false ? "off" : "on"],
    ]);
    const roudi = new RouDi(daemon);
    try {
      await daemon.waitForLine(READY);
    } catch (cause) {
      await roudi.stop();
      throw new Error(`Cannot start iox-roudi: ${daemon.report()}`, { cause });
    } finally {
      rmSync(folder, { recursive: true }); // It reads its configuration once.
    }
    return roudi;
  }

  /** Its process number. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Whether its process still runs. */
  get isRunning(): boolean {
    return this.#process.exit === null;
  }

  /** What it printed, for a message. */
  get output(): string {
    return this.#process.report();
  }

  /** Stops its process (SIGSTOP), and resolves when its last thread has stopped: it exists and does not answer. */
  async pause(): Promise<void> {
    this.#process.kill("SIGSTOP");
    await waitFor(() => areThreadsStopped(this.pid), { what: "RouDi to stop" });
  }

  /** Lets a stopped process go on (SIGCONT). */
  resume(): void {
    this.#process.kill("SIGCONT");
  }

  /** Kills its process (SIGKILL). Its socket, locks and segments stay behind, as after a crash. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited();
  }

  /** Asks it to end (SIGTERM): it removes its files, and sends SIGTERM to every process that is still registered. */
  async terminate(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.exited();
  }

  /** Kills its process and removes its files, unless another RouDi runs by now. Nobody else is sent a signal. */
  async stop(): Promise<void> {
    await this.kill();
    if (findRouDis().length === 0) removeRouDiFiles();
    removeDeadRings();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function areThreadsStopped(pid: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((thread) => /\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8")));
}

/** The process numbers of every `iox-roudi` that sees the same /dev/shm and /tmp as this test, however it was started. */
export function findRouDis(): number[] {
  const mounts = readlinkSync("/proc/self/ns/mnt");
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).filter((pid) => {
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) !== mounts) return false;
      const [, name, state] = /\((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))!;
      return name === "iox-roudi" && state !== "Z" && state !== "X";
    } catch {
      return false; // It ended meanwhile, or belongs to somebody else.
    }
  }).map(Number);
}

/**
 * Removes the segments of rings whose writers have ended or were killed, as the next runtime would that somebody opens, and never
 * those of living ones: a writer holds a lock on its data, and on the reader table until the data have a name.
 */
export function removeDeadRings(): void {
  const names = readdirSync("/dev/shm").filter((name) => /^qaultra-(ring|readers)-[0-9a-f]{16}$/.test(name));
  for (const epoch of new Set(names.map((name) => name.slice(-16)))) {
    const files = [`/dev/shm/qaultra-ring-${epoch}`, `/dev/shm/qaultra-readers-${epoch}`];
    const locked = files.find((file) => existsSync(file));
    // A file that its writer removed in this moment is made anew by flock, empty, and removed with the other.
    if (locked !== undefined) execFileSync("flock", ["-x", "-n", "-E", "0", locked, "rm", "-f", ...files]);
  }
}

/** Kills every RouDi that this test can see, one that the module spawned included, and removes its files. */
export async function stopAllRouDis(): Promise<void> {
  for (const pid of findRouDis()) process.kill(pid, "SIGKILL");
  await waitFor(() => findRouDis().length === 0, { what: "the end of every RouDi" });
  removeRouDiFiles();
  removeDeadRings();
}

/** Removes what a killed RouDi leaves: its segments (named after groups), its socket and its locks. Nothing else. */
export function removeRouDiFiles(): void {
  const groups = readFileSync("/etc/group", "utf8").split("\n").map((line) => line.split(":")[0]!);
  for (const name of ["iceoryx_mgmt", ...groups.filter((group) => group !== "")]) {
    rmSync(`/dev/shm/${name}`, { force: true });
  }
  for (const name of ["roudi", "roudi.lock", "iox-unique-roudi.lock"]) rmSync(`/tmp/${name}`, { force: true });
}
