// SPDX-License-Identifier: Apache-2.0
// Makes a broadcaster or a subscriber with the configuration in its second argument, and prints in one line of JSON what the
// kernel says about this thread and the block memory, or the error.
import process from "node:process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import {
  BroadcastConfig,
  type BroadcastConfigFields,
  DataBroadcaster,
  DataSubscriber,
  IpcError,
  MarketDataType,
  Runtime,
} from "../../mod.ts";

/** Policies of the data of rings, and of all other memory that lies in /dev/shm: reader tables and what the daemon has. */
interface Policies {
  readonly rings: readonly string[];
  readonly others: readonly string[];
}

/** What this script says. */
export interface Placed {
  /** The CPUs of this thread before and after, as the kernel lists them. */
  readonly cpusBefore: string;
  readonly cpus: string;
  /** The CPUs of the process's other threads: those that were there before, and those of the library. */
  readonly cpusOfOthers: readonly string[];
  /** Policies of the shared memory, as numa_maps names them; none without NUMA in the kernel. */
  readonly policies: Policies;
  readonly works: boolean;
  /** Streams that are known at the end. */
  readonly streams: number;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly value?: unknown;
    readonly limit?: number;
  };
}

function cpusOf(status: string): string {
  return /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync(status, "utf8"))![1]!;
}

function policies(): Policies {
  const rings: string[] = [];
  const others: string[] = [];
  try {
    const policyOf = new Map(
      readFileSync("/proc/self/numa_maps", "utf8").split("\n").map((line) => line.split(" ") as [string, string]),
    );
    const ringFiles = readdirSync("/dev/shm").filter((name) => name.startsWith("qaultra-ring-"))
      .map((name) => String(statSync(`/dev/shm/${name}`).ino));
    // A mapping that was made before its file had a name is listed by the file's number alone.
    for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
      const [, begin, inode, path] = /^([0-9a-f]+)-\S+ \S+ \S+ \S+ (\d+)\s+(.*)$/.exec(line) ?? [];
      if (!path?.startsWith("/dev/shm/")) continue;
      (ringFiles.includes(inode!) ? rings : others).push(policyOf.get(begin!)!);
    }
  } catch {
    return { rings: [], others: [] };
  }
  return { rings, others };
}

const [what, fields] = process.argv.slice(2);
const config = new BroadcastConfig(JSON.parse(fields ?? "{}") as Partial<BroadcastConfigFields>);
const other = new BroadcastConfig({ lane: config.lane });
using runtime = Runtime.open();
const threadsBefore = readdirSync("/proc/self/task");
const cpusBefore = cpusOf("/proc/thread-self/status");
let error: Placed["error"];
let works = false;
let list: Policies = { rings: [], others: [] };
try {
  using out = new DataBroadcaster(what === "broadcaster" ? config : other, "placed", { runtime });
  using feed = new DataSubscriber(what === "subscriber" ? config : other, "placed", { runtime });
  out.broadcast(Uint8Array.of(1), 1, MarketDataType.Unknown);
  works = feed.receive()?.[0] === 1;
  list = policies();
} catch (thrown) {
  if (!(thrown instanceof IpcError)) throw thrown;
  const { code, message, value, limit } = thrown;
  error = { code, message, value, ...(limit !== undefined && { limit }) };
}
const cpus = cpusOf("/proc/thread-self/status");
const self = readFileSync("/proc/thread-self/stat", "utf8").split(" ")[0];
// A thread that the runtime starts for itself, as for its collector, has the CPUs of the one that starts it.
const others = readdirSync("/proc/self/task").filter((id) =>
  id !== self && (threadsBefore.includes(id) || readFileSync(`/proc/self/task/${id}/comm`, "utf8").startsWith("qipc-"))
);
const placed: Placed = {
  cpusBefore,
  cpus,
  cpusOfOthers: others.map((id) => cpusOf(`/proc/self/task/${id}/status`)),
  policies: list,
  works,
  streams: runtime.streams().length,
  ...(error && { error }),
};
console.log(JSON.stringify(placed));
