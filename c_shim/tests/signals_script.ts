// SPDX-License-Identifier: Apache-2.0
// A script in a tight loop of native calls: signals_script.ts <library> <signal> <when>
//   when: "none", "before" (the listener is added before the library is opened), "after", "before-removed", "after-removed"
// Prints "ready", then "seen <count>" for each signal that its listener got, and "done <count>" and ends at SIGUSR2.
import process from "node:process";

const [path, signal, when] = process.argv.slice(2) as [string, "SIGINT" | "SIGTERM" | "SIGHUP", string];
const NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
const BUSY_NS = 20_000;
const CALLS_PER_TURN = 50;
const LOOK_MS = 5;

interface Library {
  probe_open(): number;
  probe_call(busyNs: number): number;
  probe_on_top(signal: number): number;
}

async function load(): Promise<Library> {
  if ("Deno" in globalThis) {
    return Deno.dlopen(path, {
      probe_open: { parameters: [], result: "i32" },
      probe_call: { parameters: ["u32"], result: "i32" },
      probe_on_top: { parameters: ["i32"], result: "i32" },
    }).symbols;
  }
  const { dlopen } = await import("bun:ffi");
  return dlopen(path, {
    probe_open: { args: [], returns: "i32" },
    probe_call: { args: ["u32"], returns: "i32" },
    probe_on_top: { args: ["i32"], returns: "i32" },
  }).symbols as unknown as Library;
}

let seen = 0;
let isDone = false;
const listener = (): void => console.log("seen", ++seen);

const library = await load();
process.on("SIGUSR2", () => isDone = true);
if (when.startsWith("before")) process.on(signal, listener);
if (library.probe_open() !== 0) throw new Error("Cannot open the probe");
if (when.startsWith("after")) process.on(signal, listener);

/** Waits until the library has noticed what happened to the disposition. */
async function settle(): Promise<void> {
  while (library.probe_on_top(NUMBERS[signal]) !== 1) await new Promise((done) => setTimeout(done, LOOK_MS));
}

await settle();
if (when.endsWith("removed")) {
  process.off(signal, listener);
  await settle();
}
console.log("ready");
while (!isDone) {
  for (let call = 0; call < CALLS_PER_TURN; call++) library.probe_call(BUSY_NS);
  await new Promise((done) => setImmediate(done));
}
console.log("done", seen);
process.exit(0);
