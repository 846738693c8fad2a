// SPDX-License-Identifier: Apache-2.0
/// <reference lib="dom" />
//
// What the page shows of which rows. A chart whose rows were not measured says how to measure them.
import { PERCENTILE_PARTS, type Percentiles } from "../support/histogram.ts";
import type { Row } from "../support/row.ts";
import { type Bar, drawBars, drawLines, type Line } from "./chart.ts";
import { element } from "./element.ts";
import { ICEORYX2_PREFIX, stacksTable } from "./stacks.ts";

type Draw = (place: HTMLElement) => void;

/** One chart: null where there is nothing to draw, and then the benches that would give it something. */
interface Chart {
  readonly title: string;
  readonly benches: string;
  readonly draw: Draw | null;
}

/** A heading, a few words, charts, and which rows are listed below them. */
export interface Section {
  readonly title: string;
  readonly text: string;
  readonly rows: readonly Row[];
  readonly charts: readonly Chart[];
  /** What is shown before the rows, if anything. */
  readonly summary?: HTMLElement | null;
}

const RUNTIMES: Readonly<Record<string, string>> = { deno: "Deno", bun: "Bun" };
/** Ticks per second. */
const MASSIVE_GOAL = 6e6;
const PERCENTILE_MARKS = [
  { at: 2, text: "50 %" },
  { at: 10, text: "90 %" },
  { at: 100, text: "99 %" },
  { at: 1000, text: "99.9 %" },
  { at: 10_000, text: "99.99 %" },
];

/** Shows a chart in a frame, or why there is none. */
export function showChart(chart: Chart): HTMLElement {
  const place = element("div", "");
  const card = element("div", "card", element("h3", "", chart.title), place);
  if (chart.draw === null) {
    const command = element("code", "", `./x bench --only ${chart.benches}`);
    place.replaceWith(element("p", "empty", "Not measured in this run. ", command));
  } else {
    const { draw } = chart;
    // Its width is known once it stands in the page.
    requestAnimationFrame(() => draw(place));
  }
  return card;
}

/** The sections of the page, over all rows. */
export function sectionsOf(rows: readonly Row[]): Section[] {
  const startingWith = (...ids: string[]) => rows.filter(({ id }) => ids.some((start) => id.startsWith(start)));
  return [
    {
      title: "One-way latency",
      text:
        "Half of a round trip between two processes, each pinned to a CPU and spinning: copy in, publish, wait, copy out. " +
        "Dashed lines are Bun. The floors are C programs of the same run.",
      rows: rows.filter(({ id }) => /^(queue|ring)-(tick|block|flag)$/.test(id)),
      charts: [
        latencyChart(rows, "A tick of 72 bytes, both lanes", ["queue-tick", "ring-tick"]),
        latencyChart(rows, "A full block of 8160 bytes, both lanes", ["queue-block", "ring-block"]),
        latencyChart(rows, "8 bytes touched in place", ["ring-flag"]),
      ],
    },
    {
      title: "Throughput",
      text:
        "One writer, one reader process, nothing lost, every byte copied in, copied out and summed up on both sides.",
      rows: startingWith("queue-throughput", "ring-throughput", "ring-for-await", "ring-decode", "decode", "checksum"),
      charts: [
        barChart(rows, "Blocks of one tick", ["ring-throughput-tick", "ring-for-await"], "blocks per second"),
        barChart(rows, "Full blocks", ["queue-throughput", "ring-throughput-block"], "blocks per second"),
        barChart(rows, "Ticks decoded, all fields of all ticks", ["ring-decode", "decode"], "ticks per second"),
      ],
    },
    {
      title: "Many readers",
      text:
        "What a block costs the writer does not depend on how many subscribers a process has. Below: ticks per second that reach " +
        "every one of them.",
      rows: startingWith("ring-fanout", "massive-"),
      charts: [
        fanoutChart(rows, "Cost of a block to the writer", "subscribers of one process that spins", "subscribers"),
        fanoutChart(
          rows,
          "The same with parked processes",
          "processes of one parked subscriber each",
          "parked processes",
        ),
        massiveChart(rows),
      ],
    },
    {
      title: "Paced",
      text:
        "How late a block is when user code has it, from the moment at which it should have been sent: what holds up the sender " +
        "counts, too. The floor is a Unix-domain socket of the same runtime that is driven the same way.",
      rows: startingWith("ring-paced", "wake"),
      charts: ["1k", "10k", "100k"].map((rate) => pacedChart(rows, rate)),
    },
    {
      title: "The stack iceoryx2",
      text:
        "The same on the other stack, whose floor is a program in Rust over iceoryx2; beside it what a tick takes as a line of JSON " +
        "through a named pipe, and the relay between the stacks.",
      rows: startingWith(ICEORYX2_PREFIX, "json-pipe", "relay-"),
      charts: [
        latencyChart(rows, "A tick of 72 bytes", ["iox2-queue-tick", "iox2-ring-tick", "json-pipe"]),
        latencyChart(rows, "A full block through the relay", ["relay-latency"]),
        barChart(rows, "Full blocks through the relay", ["relay-throughput"], "blocks per second"),
      ],
      summary: stacksTable(rows),
    },
    {
      title: "Memory and start",
      text: "Bytes allocated for each block, the time to the first block, and what an idle subscriber takes.",
      rows: startingWith("heap", "open"),
      charts: [],
    },
  ];
}

/** A distribution as points over 1 / (1 - part), so that each nine has the same width. */
function curve(label: string, subject: string, dashed: boolean, values: Percentiles | Row): Line {
  const points = Object.entries(PERCENTILE_PARTS).map(([name, part]) => ({
    x: Number((1 / (1 - part)).toPrecision(6)),
    y: values[name as keyof Percentiles] ?? 0,
  }));
  return { label, subject, dashed, points: points.filter(({ y }) => y > 0) };
}

function percentileChart(title: string, benches: string, lines: readonly Line[]): Chart {
  const x = { label: "part of all blocks that are at least as fast", marks: PERCENTILE_MARKS, legend: "part" };
  const y = { label: "microseconds", unit: "us", logarithmic: true };
  return { title, benches, draw: lines.length === 0 ? null : (place) => drawLines(place, lines, x, y) };
}

function latencyChart(rows: readonly Row[], title: string, ids: readonly string[]): Chart {
  const lines: Line[] = [];
  const floors = new Map<string, Percentiles>();
  for (const row of rows.filter(({ id }) => ids.includes(id))) {
    const subject = row.id.replace(ICEORYX2_PREFIX, "").split("-")[0];
    lines.push(curve(`${subject}, ${RUNTIMES[row.runtime]}`, subject, row.runtime === "bun", row));
    // The ring's own run of a floor counts where both lanes have one.
    for (const [name, floor] of Object.entries(row.curves ?? {})) floors.set(name, floor);
  }
  for (const [name, floor] of floors) lines.push(curve(name, name, false, floor));
  return percentileChart(title, ids.join(","), lines);
}

function pacedChart(rows: readonly Row[], rate: string): Chart {
  const lines: Line[] = [];
  const sockets: Line[] = [];
  const ways: Readonly<Record<string, [string, string]>> = {
    spin: ["spinning", "ring"],
    park: ["parked, waitSync", "park"],
    await: ["parked, for await", "await"],
  };
  for (const row of rows) {
    const [, way] = new RegExp(`^ring-paced-${rate}-(\\w+)$`).exec(row.id) ?? [];
    if (way === undefined) continue;
    const [words, subject] = ways[way];
    const dashed = row.runtime === "bun";
    lines.push(curve(`${words}, ${RUNTIMES[row.runtime]}`, subject, dashed, row));
    const socket = row.curves?.["Unix socket"];
    const label = `Unix socket, ${RUNTIMES[row.runtime]}`;
    if (socket !== undefined && !sockets.some((line) => line.label === label)) {
      sockets.push(curve(label, "Unix socket", dashed, socket));
    }
  }
  return percentileChart(`${rate} blocks per second`, "ring-paced", [...lines, ...sockets]);
}

/** How the bars of a bench are named, and what gives them their colour. */
const BARS: Readonly<Record<string, { readonly label: string; readonly subject: string }>> = {
  "queue-throughput": { label: "queue", subject: "queue" },
  "ring-throughput-tick": { label: "ring, poll", subject: "ring" },
  "ring-throughput-block": { label: "ring", subject: "ring" },
  "ring-for-await": { label: "for await", subject: "await" },
  "ring-decode": { label: "from another\nprocess", subject: "ring" },
  decode: { label: "a block\nthat is held", subject: "park" },
  "relay-throughput": { label: "relay", subject: "relay" },
};

function barChart(rows: readonly Row[], title: string, ids: readonly string[], unit: string): Chart {
  const bars: Bar[] = [];
  const floors = new Map<string, number>();
  for (const row of rows.filter(({ id }) => ids.includes(id))) {
    const { label, subject } = BARS[row.id];
    bars.push({ label: `${label}\n${RUNTIMES[row.runtime]}`, subject, value: row.value });
    for (const { name, floor } of row.comparisons ?? []) floors.set(name, floor);
    if (row.id === "ring-decode" && row.floor !== null) floors.set("plain shared memory", row.floor);
  }
  for (const [name, value] of floors) bars.push({ label: name.replaceAll(" ", "\n"), subject: name, value });
  return { title, benches: ids.join(","), draw: bars.length === 0 ? null : (place) => drawBars(place, bars, unit) };
}

function fanoutChart(rows: readonly Row[], title: string, words: string, readers: string): Chart {
  const lines = rows.filter(({ id }) => id === "ring-fanout").map((row): Line => ({
    label: RUNTIMES[row.runtime],
    subject: "ring",
    dashed: row.runtime === "bun",
    points: Object.entries(row.figures ?? {}).flatMap(([name, y]) => {
      const [, count] = new RegExp(`^(\\d+) ${readers}$`).exec(name) ?? [];
      return count === undefined || count === "0" ? [] : [{ x: Number(count), y }];
    }),
  }));
  const counts = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))];
  const x = { label: words, marks: counts.map((at) => ({ at, text: at.toLocaleString("en") })), legend: readers };
  const y = { label: "nanoseconds a block", unit: "ns", logarithmic: false };
  return { title, benches: "ring-fanout", draw: lines.length === 0 ? null : (place) => drawLines(place, lines, x, y) };
}

function massiveChart(rows: readonly Row[]): Chart {
  const measured = rows.filter(({ id }) => id.startsWith("massive-"));
  const bars = measured.map((row): Bar => {
    const crowd = row.id === "massive-processes";
    const readers = crowd ? "4 x 250" : row.id.slice("massive-".length);
    const value = crowd ? row.figures?.["ticks/s to every subscriber"] ?? 0 : row.value;
    return { label: `${readers}\n${RUNTIMES[row.runtime]}`, subject: crowd ? "park" : "ring", value };
  });
  const floor = measured.find((row) => row.floor !== null)?.floor;
  if (floor) bars.push({ label: "C iceoryx\nto 1", subject: "C iceoryx", value: floor });
  return {
    title: "Ticks per second to every subscriber (dashed: the goal for 500 and 1000 of one process)",
    benches: "massive-500,massive-1000,massive-processes",
    draw: bars.length === 0 ? null : (place) => drawBars(place, bars, "ticks per second", MASSIVE_GOAL),
  };
}
