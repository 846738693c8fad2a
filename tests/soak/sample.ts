// SPDX-License-Identifier: Apache-2.0
// What a process and /dev/shm take at one moment.
import { readdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";

/** What a process takes; sizes in KiB. */
export interface ProcessUse {
  readonly rss: number;
  /** Of it: without shared memory, which is nobody's own and counted in /dev/shm. */
  readonly own: number;
  /** Open files but those of Deno's caches of compiled code, which it opens when it likes, and stdin, which it opens again for a read. */
  readonly descriptors: number;
  readonly threads: number;
  /** Of them: those of the library and of the stack; the others are the runtime's, and come and go. */
  readonly libraryThreads: number;
  /** Lines of its map, and those of them that are shared memory. */
  readonly mappings: number;
  readonly sharedMappings: number;
}

const CACHE_OF_DENO = /_cache_v\d+(-\w+)?$/;
const LIBRARY_THREAD = /^(qipc-|KeepAlive)/;

/** What /dev/shm holds. */
export interface SharedUse {
  readonly files: number;
  readonly kib: number;
}

/** The measures of a process. */
export type Measure = keyof ProcessUse;

/** Measures a process; null when it has ended. */
export function measureProcess(pid: number): ProcessUse | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)![1]);
    const stdin = readlinkSync(`/proc/${pid}/fd/0`);
    const maps = readFileSync(`/proc/${pid}/maps`, "utf8").trimEnd().split("\n");
    return {
      rss: field("VmRSS"),
      own: field("VmRSS") - field("RssShmem"),
      descriptors: openFiles(pid).filter((path) => path !== stdin && !CACHE_OF_DENO.test(path)).length,
      threads: field("Threads"),
      libraryThreads: threadNames(pid).filter((name) => LIBRARY_THREAD.test(name)).length,
      mappings: maps.length,
      sharedMappings: maps.filter((line) => line.includes(" /dev/shm/")).length,
    };
  } catch {
    return null;
  }
}

function threadNames(pid: number): string[] {
  return namesIn(`/proc/${pid}/task`, (thread) => readFileSync(`${thread}/comm`, "utf8"));
}

function openFiles(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`, (descriptor) => readlinkSync(descriptor));
}

/** What is read of each entry of a folder, but of those that are gone meanwhile. */
function namesIn(folder: string, read: (path: string) => string): string[] {
  return readdirSync(folder).flatMap((entry) => {
    try {
      return [read(`${folder}/${entry}`)];
    } catch {
      return [];
    }
  });
}

/** Measures /dev/shm. */
export function measureShared(): SharedUse {
  const { blocks, bfree, bsize } = statfsSync("/dev/shm");
  return { files: readdirSync("/dev/shm").length, kib: (blocks - bfree) * bsize / 1024 };
}
