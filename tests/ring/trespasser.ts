// SPDX-License-Identifier: Apache-2.0
// trespasser.ts <stream> <JSON of a TrespasserDemand>
//
// A second process that subscribes, reads one block, and then tries to write where it may only read. Says in lines of JSON what it may
// do (a TrespasserReport), and last, should it still be there, what it has done.
import { constants, fchmodSync, openSync, readFileSync, truncateSync } from "node:fs";
import process from "node:process";
import { BroadcastConfig, DataSubscriber, Runtime } from "../../mod.ts";
import { Native } from "../../src/ffi/native.ts";
import { waitFor } from "../support/wait.ts";

/** What it does at last. */
export interface TrespasserDemand {
  /** `data` and `table`: a store through a pointer; `block`: one into the data of a block that is read in place; `none`: nothing. */
  readonly store: "data" | "table" | "block" | "none";
}

/** What the system answered. */
export interface TrespasserReport {
  /** How both files are mapped. */
  readonly rights: { readonly data: string; readonly table: string };
  /** The errors of opening both files for writing, of cutting them short, and of changing their modes. */
  readonly refusals: Readonly<Record<string, string>>;
  /** What mprotect and mmap for writing returned, for both. */
  readonly protections: Readonly<Record<string, boolean>>;
  readonly received: number;
}

interface Libc {
  mprotect(address: bigint, length: bigint, rights: number): number;
  mmap(address: bigint, length: bigint, rights: number, flags: number, file: number, offset: bigint): bigint;
}

const WRITABLE = 3; // PROT_READ | PROT_WRITE
const SHARED = 1; // MAP_SHARED
const PAGE = 4096n;
const FAILED = 0xffffffffffffffffn;

/** The C library, as any script with permission for FFI can call it. */
async function loadLibc(): Promise<Libc> {
  const signature = { mprotect: ["u64", "u64", "i32"], mmap: ["u64", "u64", "i32", "i32", "i32", "i64"] } as const;
  if ("Bun" in globalThis) {
    const name = "bun:ffi";
    const { dlopen } = await import(name);
    return dlopen("libc.so.6", {
      mprotect: { args: signature.mprotect, returns: "i32" },
      mmap: { args: signature.mmap, returns: "u64" },
    }).symbols as Libc;
  }
  return Deno.dlopen("libc.so.6", {
    mprotect: { parameters: signature.mprotect, result: "i32" },
    mmap: { parameters: signature.mmap, result: "u64" },
  }).symbols as unknown as Libc;
}

/** Where this process has mapped the file of a ring, and how. */
function mappingOf(prefix: string): { address: bigint; rights: string; path: string } {
  const line = readFileSync("/proc/self/maps", "utf8").split("\n").find((line) => line.includes(`/dev/shm/${prefix}`));
  if (line === undefined) throw new Error(`Nothing of ${prefix} is mapped`);
  const [range, rights] = line.split(" ");
  return {
    address: BigInt(`0x${range!.split("-")[0]}`),
    rights: rights!,
    path: `/dev/shm/${line.split("/dev/shm/")[1]!}`,
  };
}

function refusalOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const [stream, demand] = process.argv.slice(2);
const { store } = JSON.parse(demand!) as TrespasserDemand;
using runtime = Runtime.open();
const config = new BroadcastConfig({ lane: "ring", read: "in-place", history: "all" });
using feed = new DataSubscriber(config, stream!, { runtime });
const libc = await loadLibc();
const native = Native.load();
await waitFor(() => feed.hasData());

const data = mappingOf("qaultra-ring-");
const table = mappingOf("qaultra-readers-");
const refusals: Record<string, string> = {};
const protections: Record<string, boolean> = {};
for (const [name, { address, path }] of Object.entries({ data, table })) {
  refusals[`open ${name}`] = refusalOf(() => openSync(path, constants.O_RDWR));
  // Whoever may write a file may cut it short, which would end the writer.
  if (name === "data" || table.rights === "r--s") {
    refusals[`truncate ${name}`] = refusalOf(() => truncateSync(path, 4096));
  }
  const file = openSync(path, constants.O_RDONLY);
  refusals[`chmod ${name}`] = refusalOf(() => fchmodSync(file, 0o666));
  protections[`mmap ${name}`] = BigInt.asUintN(64, BigInt(libc.mmap(0n, PAGE, WRITABLE, SHARED, file, 0n))) !== FAILED;
  protections[`mprotect ${name}`] = libc.mprotect(address, PAGE, WRITABLE) === 0;
}
const received = store === "block" ? 0 : feed.poll(() => {});
const report: TrespasserReport = {
  rights: { data: data.rights, table: table.rights },
  refusals,
  protections,
  received,
};
console.log(JSON.stringify(report));
if (store === "block") feed.poll((block) => block.data[0] = 1);
else if (store !== "none") {
  const { address } = store === "data" ? data : table;
  new Uint8Array(native.alias(address, Number(PAGE)))[0] = 1;
}
console.log(JSON.stringify({ stored: store }));
