// SPDX-License-Identifier: Apache-2.0
// The Worker of the tests: does the task of its first message and tells about it by messages.
import process from "node:process";
import { parentPort } from "node:worker_threads";
import {
  type Block,
  BroadcastConfig,
  DataBroadcaster,
  DataSubscriber,
  IpcError,
  type LaneChoice,
  MarketDataType,
  Runtime,
  type RuntimeOptions,
} from "../../mod.ts";

/** What a Worker is asked to do. */
export type Task =
  /** Reads so many blocks in a loop, or with a blocking wait, then closes everything. */
  | OfLane & { readonly kind: "read"; readonly stream: string; readonly count: number; readonly blocking: boolean }
  /** Broadcasts so many blocks, whose first four bytes are their number. */
  | OfLane & { readonly kind: "broadcast"; readonly stream: string; readonly count: number }
  /** Opens a runtime and tells its name, or the code of the error; keeps it until the next message. */
  | { readonly kind: "open"; readonly options: RuntimeOptions }
  /** Takes and keeps blocks, a loan and a parked loop, and ends without closing anything. */
  | OfLane & { readonly kind: "leave"; readonly stream: string; readonly blocks: number; readonly way: LeaveWay };

interface OfLane {
  readonly lane: LaneChoice;
}

/** How a Worker ends that closes nothing; `wait` is for somebody else to end it. */
export type LeaveWay = "return" | "throw" | "exit" | "wait";

interface Port {
  postMessage(message: unknown): void;
}
const port: Port = parentPort ?? (globalThis as unknown as Port);
const tell = (message: unknown): void => port.postMessage(message);

async function read({ lane, stream, count, blocking }: Extract<Task, { kind: "read" }>): Promise<void> {
  using runtime = Runtime.open();
  using feed = new DataSubscriber(new BroadcastConfig({ lane, delivery: "lossless" }), stream, { runtime });
  tell({ ready: runtime.name });
  let sum = 0;
  let got = 0;
  const handle = (block: Block): void => {
    sum += new DataView(block.data.buffer, block.data.byteOffset).getUint32(0, true);
    got++;
  };
  if (blocking) {
    while (got < count) if (feed.waitSync(30_000)) feed.poll(handle);
  } else {
    for await (const block of feed) {
      handle(block);
      if (got === count) break;
    }
  }
  tell({ got, sum, missed: feed.getReceiveStats().missedBlocks });
}

function broadcast({ lane, stream, count }: Extract<Task, { kind: "broadcast" }>): void {
  using runtime = Runtime.open();
  using out = new DataBroadcaster(new BroadcastConfig({ lane, delivery: "lossless" }), stream, { runtime });
  tell({ ready: runtime.name });
  const data = new Uint8Array(8);
  const view = new DataView(data.buffer);
  for (let sent = 0; sent < count; sent++) {
    view.setUint32(0, sent, true);
    while (!out.broadcast(data, 1, MarketDataType.Unknown)) out.waitForRoomSync(30_000);
  }
  tell({ sent: out.getStats().sentBlocks, epoch: out.epoch });
}

let kept: unknown;

function open({ options }: Extract<Task, { kind: "open" }>): void {
  try {
    const runtime = Runtime.open(options);
    kept = runtime;
    tell({ name: runtime.name });
  } catch (error) {
    tell({ code: error instanceof IpcError ? error.code : String(error) });
  }
}

async function leave({ lane, stream, blocks, way }: Extract<Task, { kind: "leave" }>): Promise<void> {
  const runtime = Runtime.open();
  const config = new BroadcastConfig({ lane });
  const feed = new DataSubscriber(config, stream, { runtime });
  const out = new DataBroadcaster(config, `${stream}_of_worker`, { runtime });
  tell({ ready: runtime.name });
  const held: Block[] = [];
  while (held.length < blocks) {
    const block = feed.receiveBlock();
    if (block !== null) held.push(block);
    else feed.waitSync(100);
  }
  kept = [held, out.loan(), feed.blocks().next()];
  tell({ held: held.length });
  if (way === "throw") throw new Error("the Worker's own error");
  if (way === "exit") process.exit(0);
  if (way === "wait") await new Promise(() => setInterval(() => {}, 1000));
}

async function work(task: Task): Promise<void> {
  if (task.kind === "read") await read(task);
  else if (task.kind === "broadcast") broadcast(task);
  else if (task.kind === "open") open(task);
  else await leave(task);
}

const onMessage = (task: Task | "end"): void => {
  if (task === "end") {
    (kept as Runtime | undefined)?.close();
    tell("ended");
  } else if (task.kind === "leave" && (task.way === "throw" || task.way === "return")) {
    void work(task).catch((error) =>
      setTimeout(() => {
        throw error;
      })
    );
  } else void work(task).catch((error) => tell({ error: `${error}` }));
};
if (parentPort !== null) parentPort.on("message", onMessage);
else globalThis.addEventListener("message", (event) => onMessage((event as MessageEvent).data));
