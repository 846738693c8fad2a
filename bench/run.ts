// SPDX-License-Identifier: Apache-2.0
//
// The benchmarks: `./x bench`. What each one measures and how is in docs/performance.md.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { enterOwnNamespace } from "../tests/support/own_namespace.ts";
import { RouDi } from "../tests/support/roudi.ts";
import type { RuntimeName } from "../tests/support/runtime.ts";
import { measureChecksum } from "./cases/checksum.ts";
import { measureCrowd } from "./cases/crowd.ts";
import { measureDecode } from "./cases/decode.ts";
import { measureFanout } from "./cases/fanout.ts";
import { measureForAwait } from "./cases/for_await.ts";
import { measureHeap } from "./cases/heap.ts";
import { measureJsonPipe } from "./cases/json_pipe.ts";
import { measureMassive, measureRingDecode } from "./cases/massive.ts";
import { measureOpen } from "./cases/open.ts";
import { measurePaced } from "./cases/paced.ts";
import { measurePingPong } from "./cases/ping_pong.ts";
import { measureRelayLatency, measureRelayThroughput } from "./cases/relay.ts";
import { measureThroughput } from "./cases/throughput.ts";
import { measureWake } from "./cases/wake.ts";
import { describeMachine } from "./support/machine.ts";
import { benchPage, PAGE, writePage } from "./support/page.ts";
import type { Context } from "./support/program.ts";
import type { Row } from "./support/row.ts";
import { formatTable } from "./support/table.ts";

/** One bench: what it measures, in a line, and how. */
interface Bench {
  readonly what: string;
  readonly measure: (id: string, context: Context) => Promise<Row[]>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  "queue-tick": { what: "one-way latency of a 72-byte tick over the queue lane, against C", measure: measurePingPong },
  "queue-block": { what: "the same of a full block, copied in and out", measure: measurePingPong },
  "queue-throughput": { what: "full blocks per second over the queue lane, against C", measure: measureThroughput },
  "ring-tick": { what: "one-way latency of a 72-byte tick over the ring lane, against C", measure: measurePingPong },
  "ring-block": { what: "the same of a full block, copied in and out", measure: measurePingPong },
  "ring-flag": { what: "the same of 8 bytes touched in place", measure: measurePingPong },
  "ring-throughput-tick": { what: "blocks of one tick per second over the ring, lossless", measure: measureThroughput },
  "ring-throughput-block": { what: "full blocks per second over the ring, lossless", measure: measureThroughput },
  "ring-fanout": { what: "the writer's cost of a block at 0 to 1000 readers", measure: measureFanout },
  "massive-500": {
    what: "ticks per second to each of 500 subscribers of one process",
    measure: (id, context) => measureMassive(id, 500, context),
  },
  "massive-1000": {
    what: "the same to each of 1000",
    measure: (id, context) => measureMassive(id, 1000, context),
  },
  "massive-processes": { what: "the highest rate at which 4 x 250 subscribers lose nothing", measure: measureCrowd },
  "ring-decode": { what: "ticks per second from another process, all fields read", measure: measureRingDecode },
  "ring-paced": { what: "lateness at 1k, 10k and 100k blocks/s, against a Unix-domain socket", measure: measurePaced },
  "ring-for-await": { what: "blocks per second of a busy for await, and its timers", measure: measureForAwait },
  decode: { what: "ticks read in place per second, against plain doubles", measure: measureDecode },
  "checksum-tick": { what: "broadcast and poll of a tick with a checksum, against without", measure: measureChecksum },
  "checksum-block": { what: "the same of a full block", measure: measureChecksum },
  heap: { what: "bytes allocated for each polled block, on both lanes", measure: measureHeap },
  wake: { what: "publish to the first line of a parked for await, on both lanes", measure: measureWake },
  "iox2-queue-tick": {
    what: "queue-tick on the stack iceoryx2, against Rust over iceoryx2",
    measure: measurePingPong,
  },
  "iox2-ring-tick": { what: "ring-tick on the stack iceoryx2, against Rust over iceoryx2", measure: measurePingPong },
  "iox2-wake": { what: "wake on the stack iceoryx2, both lanes", measure: measureWake },
  "json-pipe": { what: "a tick as a line of JSON through a named pipe, one way", measure: measureJsonPipe },
  "relay-latency": {
    what: "C over iceoryx to Rust over iceoryx2 through the relay, one way",
    measure: measureRelayLatency,
  },
  "relay-throughput": { what: "full blocks per second through the relay, against C", measure: measureRelayThroughput },
  open: { what: "start to first block, opening the runtime, memory of an idle subscriber", measure: measureOpen },
};

const ID_WIDTH = 23;
const USAGE = `Usage: ./x bench [--only id,...] [--runtime deno|bun|both] [--quick] [--json FILE]

${Object.entries(BENCHES).map(([id, { what }]) => `  ${id.padEnd(ID_WIDTH)}${what}`).join("\n")}

The result is printed as a table and, with plots, written as a page to ${PAGE}.`;

const REPETITIONS = 7;
const REPETITIONS_QUICK = 3;
const SCALE_QUICK = 0.25;
/** Chunks for 256 queued blocks of every stream, with plenty to spare. */
const POOL_BLOCKS = 2048;

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${USAGE}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    runtime: { type: "string", default: "both" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const ids = values.only === undefined ? Object.keys(BENCHES) : values.only.split(",");
for (const id of ids) {
  if (BENCHES[id] === undefined) fail(`There is no bench ${JSON.stringify(id)}`);
}
if (!["deno", "bun", "both"].includes(values.runtime)) fail(`There is no runtime ${JSON.stringify(values.runtime)}`);

enterOwnNamespace(import.meta.url);

const context: Context = {
  runtimes: values.runtime === "both" ? ["deno", "bun"] : [values.runtime as RuntimeName],
  repetitions: values.quick ? REPETITIONS_QUICK : REPETITIONS,
  scale: values.quick ? SCALE_QUICK : 1,
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  },
};

const rows: Row[] = [];
let failures = 0;
const machine = describeMachine();
process.stdout.write(`${machine}\n\n`);
// Without monitoring: on a machine that stalls for a moment it would take the processes of a bench for dead.
await using _roudi = await RouDi.start({ blocks: POOL_BLOCKS, monitoring: false });
for (const id of ids) {
  try {
    rows.push(...await BENCHES[id].measure(id, context));
    // After each, so that a run that is ended early leaves what it has.
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows, null, 2) + "\n");
  } catch (error) {
    failures++;
    process.stderr.write(`\n${id} failed: ${error instanceof Error ? error.stack : error}\n`);
  }
}
context.progress("");
process.stdout.write(`${formatTable(rows)}\n`);
writePage(PAGE, benchPage({ machine, quick: values.quick, rows }));
process.stdout.write(`\nThe page: ${PAGE}\n`);
process.exitCode = failures === 0 ? 0 : 1;
