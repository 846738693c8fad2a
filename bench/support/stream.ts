// SPDX-License-Identifier: Apache-2.0
import { BroadcastConfig, type BroadcastConfigFields, type DataSubscriber, Runtime } from "../../mod.ts";
import { numberOption, textOption } from "./worker.ts";

type Choice<Name extends "lane" | "delivery" | "read" | "wait"> = BroadcastConfigFields[Name];

/** The stacks over shared memory. */
export type BenchStack = "iceoryx" | "iceoryx2";

/** The stack that the runner chose: `--stack`. */
export function benchStack(): BenchStack {
  return textOption("stack", "iceoryx") as BenchStack;
}

/** The runtime of the stack that the runner chose. */
export function benchRuntime(): Runtime {
  return Runtime.open({ stack: benchStack() });
}

/**
 * How the two ends of a bench's stream are made, as the runner chose: `--lane`, `--delivery`, `--read`, `--wait`, `--slots` of a
 * ring, and `--cpu`, the CPU that the thread is pinned to.
 */
export function benchConfig(): BroadcastConfig {
  const cpu = numberOption("cpu", -1);
  return new BroadcastConfig({
    serviceName: "Bench",
    lane: textOption("lane") as Choice<"lane">,
    delivery: textOption("delivery", "lossy") as Choice<"delivery">,
    read: textOption("read", "stable") as Choice<"read">,
    wait: textOption("wait", "backoff") as Choice<"wait">,
    bufferDepth: numberOption("slots", 256),
    cpuAffinity: cpu < 0 ? null : cpu,
  });
}

/** What subscribers lost, for a report: where something is wrong it says what. */
export function lossesOf(...feeds: readonly DataSubscriber[]): { missed: number; droppedByWriter: number } {
  const stats = feeds.map((feed) => feed.getReceiveStats());
  return {
    missed: stats.reduce((sum, { missedBlocks }) => sum + missedBlocks, 0),
    droppedByWriter: stats.reduce((sum, { droppedByWriter }) => sum + droppedByWriter, 0),
  };
}
