// SPDX-License-Identifier: Apache-2.0
import type { LatencyNs } from "@qaultra/ipc";
import type { Results } from "./broadcast.ts";
import { chart } from "./chart.ts";
import type { Expected } from "./verify.ts";

const CAPITAL = 100_000;
const CHART_WIDTH = 64;
const CHART_HEIGHT = 8;
const LABEL_WIDTH = 36;
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

function latencyRows(label: string, ...ofLanes: (LatencyNs | undefined)[]): string[] {
  return (["p50", "p99", "max"] as const).map((key) =>
    row(`${label}, ${key}`, ...ofLanes.map((latency) => microseconds(latency?.[key])))
  );
}

/** The tables and the chart that the demo ends with. */
export function report(expected: Expected, ring: Results, queue: Results): string[] {
  const { feed, strategy, service } = ring;
  const holding = expected.lastClose / expected.firstOpen - 1;
  const lanes = [ring, queue];
  return [
    "",
    row("over the ring", "feed", "strategy", "risk service"),
    row("", "Deno", "Deno", "Bun"),
    row("bars sent, received", count(feed.bars), count(strategy.bars), count(service.bars)),
    row("bars lost", "", count(strategy.blocks.missedBlocks), count(service.blocks.missedBlocks)),
    row("trades", "", count(strategy.trades)),
    row("profit and loss", "", gain(strategy.worth / CAPITAL - 1)),
    row("of 100,000, without costs", "", count(Math.round(strategy.worth - CAPITAL))),
    row("buying and holding", "", gain(holding)),
    row("deepest drawdown of the index", "", "", percent(service.worstDrawdown)),
    row("highest volatility of the index", "", "", percent(service.highestVolatility)),
    "",
    row("wake-up and delivery", "ring", "queue lane"),
    ...latencyRows("strategy in Deno", ...lanes.map((lane) => lane.strategy.blocks.latencyNs)),
    ...latencyRows("risk service in Bun", ...lanes.map((lane) => lane.service.blocks.latencyNs)),
    row("publishing a block", "ring", "queue lane"),
    ...latencyRows("feed in Deno", ...lanes.map((lane) => lane.feed.blocks.latencyNs)),
    "",
    `Equity of the strategy, ${expected.firstDate} to ${expected.lastDate}`,
    ...chart(strategy.equity, CHART_WIDTH, CHART_HEIGHT),
    "",
  ];
}
