// SPDX-License-Identifier: Apache-2.0
/**
 * Zero-copy market-data broadcast over shared memory for Deno and Bun.
 *
 * One process broadcasts blocks of ticks, bars or records of your own; any number of scripts read them in place. QAULTRA C++
 * processes and scripts can read each other's streams. Importing this module loads nothing and asks for no permission;
 * `Runtime.open` loads the native library.
 *
 * @example A strategy in ten lines
 * ```ts
 * import { BroadcastConfig, DataSubscriber, Runtime, Tick } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * using feed = new DataSubscriber(new BroadcastConfig(), "market_stream", { runtime });
 * for await (const block of feed.blocks({ signal: AbortSignal.timeout(50) })) {
 *   for (const tick of block.records(Tick)) console.log(tick.symbol, tick.last);
 * }
 * ```
 *
 * @module
 */
export { Runtime } from "./src/hub/runtime.ts";
export type { RuntimeOptions, RuntimeState, Stack, StackLog, StreamInfo } from "./src/hub/runtime.ts";
export { BroadcastConfig } from "./src/hub/broadcast_config.ts";
export type { BroadcastConfigFields, Delivery, LaneChoice, WaitStrategy } from "./src/hub/broadcast_config.ts";
export { DataBroadcaster } from "./src/hub/data_broadcaster.ts";
export type { DataBroadcasterOptions } from "./src/hub/data_broadcaster.ts";
export type { BlockLoan } from "./src/hub/block_loan.ts";
export type { RecordWriter } from "./src/hub/record_writer.ts";
export { DataSubscriber, HELD_BLOCKS_MAX, POLL_LIMIT_DEFAULT } from "./src/hub/data_subscriber.ts";
export type { BlocksOptions, DataSubscriberOptions } from "./src/hub/data_subscriber.ts";
export type { SubscriberState } from "./src/hub/stream_watch.ts";
export { BroadcastManager } from "./src/hub/broadcast_manager.ts";
export type { StreamStats } from "./src/hub/broadcast_manager.ts";
export type { BroadcastStats, ReceiveStats } from "./src/hub/stats.ts";
export type { LatencyNs } from "./src/hub/latency_histogram.ts";
