// SPDX-License-Identifier: Apache-2.0
import type { LaneChoice } from "./broadcast_config.ts";

/** What a subscriber asks of its stream. */
export interface StreamDemand {
  readonly service: string;
  readonly stream: string;
  readonly lane: LaneChoice;
  readonly lossless: boolean;
  /** Blocks that may wait on the queue lane, and slots that a ring is expected to have before one is there. */
  readonly queueCapacity: number;
  readonly ringCapacity: number;
  readonly history: number;
  readonly inPlace: boolean;
  readonly observe: boolean;
  readonly pollIntervalMs: number;
  readonly heartbeatIntervalMs: number;
}
