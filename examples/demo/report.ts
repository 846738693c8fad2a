// SPDX-License-Identifier: Apache-2.0
import type { LatencyNs } from "@qaultra/ipc";
import { chart } from "./chart.ts";
import type { Expected, FeedResult, ReaderResult } from "./verify.ts";

/** What `examples/strategy.ts` prints at its end. */
export interface StrategyResult extends ReaderResult {
  readonly trades: number;
  readonly worth: number;
  readonly equity: readonly number[];
}

/** What `examples/service.ts` prints at its end. */
export interface ServiceResult extends ReaderResult {
  readonly worstDrawdown: number;
  readonly highestVolatility: number;
}

const CAPITAL = 100_000;
const CHART_WIDTH = 64;
const CHART_HEIGHT = 8;
const LABEL_WIDTH = 32;
const COLUMN_WIDTH = 16;

const count = (value: number): string => value.toLocaleString("en-US");
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const gain = (share: number): string => `${share < 0 ? "" : "+"}${percent(share)}`;

function microseconds(ns: number | undefined): string {
  return ns === undefined ? "-" : `${count(Math.round(ns / 100) / 10)} us`;
}

function row(label: string, ...cells: string[]): string {
  return (label.padEnd(LABEL_WIDTH) + cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join("")).trimEnd();
}

function latencyRows(label: string, ...of: (LatencyNs | undefined)[]): string[] {
  return (["p50", "p99", "max"] as const).map((key) =>
    row(`${label}, ${key}`, ...of.map((latency) => latency === undefined ? "" : microseconds(latency[key])))
  );
}

/** The table and the chart that the demo ends with. */
export function report(
  expected: Expected,
  feed: FeedResult,
  strategy: StrategyResult,
  service: ServiceResult,
): string[] {
  const holding = expected.lastClose / expected.firstOpen - 1;
  return [
    "",
    row("", "feed", "strategy", "risk service"),
    row("", "Deno", "Deno", "Bun"),
    row("bars sent, received", count(feed.bars), count(strategy.bars), count(service.bars)),
    row("bars lost", "", count(strategy.blocks.missedBlocks), count(service.blocks.missedBlocks)),
    ...latencyRows("publishing a block", feed.blocks.latencyNs),
    ...latencyRows("wake-up and delivery", undefined, strategy.blocks.latencyNs, service.blocks.latencyNs),
    row("trades", "", count(strategy.trades)),
    row("profit and loss", "", gain(strategy.worth / CAPITAL - 1)),
    row("of 100,000, without costs", "", count(Math.round(strategy.worth - CAPITAL))),
    row("buying and holding", "", gain(holding)),
    row("deepest drawdown of the index", "", "", percent(service.worstDrawdown)),
    row("highest volatility of the index", "", "", percent(service.highestVolatility)),
    "",
    `Equity of the strategy, ${expected.firstDate} to ${expected.lastDate}`,
    ...chart(strategy.equity, CHART_WIDTH, CHART_HEIGHT),
    "",
  ];
}
