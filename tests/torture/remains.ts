// SPDX-License-Identifier: Apache-2.0
// What may not be left when a cell has ended: chunks, files, processes.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { startProgram } from "../support/process.ts";
import { delay } from "../support/wait.ts";
import { POOL_ANNOUNCEMENTS, POOL_BLOCKS, type World } from "./world.ts";

/** A size that each of RouDi's pools serves, and the chunks that the pool has. */
const POOLS = [{ size: 64, count: POOL_ANNOUNCEMENTS }, { size: 8192, count: POOL_BLOCKS }];
/** How long RouDi may take to find out who has died, and whoever ends to end. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 100;

/** The files and processes that somebody could leave. */
export interface Belongings {
  readonly files: readonly string[];
  readonly processes: readonly string[];
}

/** What there is now: in /dev/shm, of runtimes in /tmp, and processes that see the same folders. */
export function look(): Belongings {
  const files = [
    ...readdirSync("/dev/shm").map((name) => `/dev/shm/${name}`),
    ...readdirSync("/tmp").filter((name) => /^qipc-|^roudi/.test(name)).map((name) => `/tmp/${name}`),
  ];
  const mounts = readlinkSync("/proc/self/ns/mnt");
  const processes = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/mnt`) === mounts;
    } catch {
      return false; // It ended meanwhile.
    }
  });
  return { files, processes };
}

/** What is there now and was not before. */
function added(before: Belongings): string[] {
  const now = look();
  const processes = now.processes.filter((pid) => !before.processes.includes(pid)).map((pid) => {
    try {
      return `process ${pid} ${readFileSync(`/proc/${pid}/comm`, "utf8").trim()}`;
    } catch {
      return "";
    }
  });
  return [...now.files.filter((file) => !before.files.includes(file)), ...processes].filter((text) => text !== "");
}

/** Resolves to what stays although it is waited for. */
export async function findRemains(before: Belongings): Promise<string[]> {
  const deadline = performance.now() + PATIENCE_MS;
  while (true) {
    const left = added(before);
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(LOOK_MS);
  }
}

async function loanAll(size: number): Promise<number> {
  const peer = startProgram("build/bin/peer_occupy", ["--loan-all", "--size", String(size)]);
  try {
    await peer.waitForLine("ready");
    peer.closeInput();
    const { loaned } = JSON.parse(await peer.waitForLine("{")) as { loaned: number };
    await peer.exited();
    return loaned;
  } finally {
    await peer[Symbol.asyncDispose]();
  }
}

/** Resolves to what RouDi's pools lack although it is waited for, or to what iceoryx2 has left in its folders. */
export async function findMissing(world: World): Promise<string[]> {
  if (world.root !== null) return world.root.findRemains();
  if (world.roudi === null) return [];
  const left: string[] = [];
  for (const { size, count } of POOLS) {
    const deadline = performance.now() + PATIENCE_MS;
    let loaned = await loanAll(size);
    while (loaned < count && performance.now() < deadline) {
      await delay(LOOK_MS);
      loaned = await loanAll(size);
    }
    if (loaned !== count) left.push(`${count - loaned} of ${count} chunks for ${size} bytes`);
  }
  return left;
}
