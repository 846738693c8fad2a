// SPDX-License-Identifier: Apache-2.0
/// <reference lib="dom" />
//
// The page of `./x soak`, in the browser.
import { drawTimes, type Line } from "../../../bench/page/chart.ts";
import { element } from "../../../bench/page/element.ts";
import type { Measure } from "../sample.ts";
import type { Sample, SoakResult } from "../soak.ts";

/** What the page shows. */
export interface SoakPage {
  /** Date, machine and versions, in lines. */
  readonly machine: string;
  /** The tables, as they were printed. */
  readonly tables: string;
  readonly recordsPerBlock: number;
  readonly result: SoakResult;
}

const MS_PER_MINUTE = 60_000;
const KIB_PER_MIB = 1024;
/** Colours of the benches' pages, by what a process does. */
const SUBJECTS = [["lossy", "ring"], ["lossless", "park"], ["queue", "queue"], ["writer", "await"]] as const;

function subjectOf(name: string): string {
  return SUBJECTS.find(([start]) => name.startsWith(start))?.[1] ?? "C iceoryx";
}

function minutes({ ms }: Sample): number {
  return ms / MS_PER_MINUTE;
}

/** A line for each process. */
function processLines(samples: readonly Sample[], measure: Measure, unit: number): Line[] {
  const names = [...new Set(samples.flatMap(({ processes }) => Object.keys(processes)))];
  return names.map((name) => ({
    label: name,
    subject: subjectOf(name),
    dashed: name.includes("(bun)"),
    points: samples.flatMap((sample) => {
      const use = sample.processes[name];
      return use === undefined ? [] : [{ x: minutes(sample), y: use[measure] / unit }];
    }),
  }));
}

/** What happened in each second between two samples. */
function rateLines(samples: readonly Sample[], recordsPerBlock: number): Line[] {
  return (["lossy", "lossless", "queue"] as const).map((stream) => ({
    label: stream,
    subject: subjectOf(stream),
    dashed: false,
    points: samples.slice(1).map((sample, index) => {
      const before = samples[index]!;
      const blocks = sample.sent[stream].blocks - before.sent[stream].blocks;
      return { x: minutes(sample), y: blocks * recordsPerBlock / ((sample.ms - before.ms) / 1000) };
    }),
  }));
}

function sharedLines(samples: readonly Sample[]): Line[] {
  const points = samples.map((sample) => ({ x: minutes(sample), y: sample.shared.kib / KIB_PER_MIB }));
  return [{ label: "/dev/shm", subject: "ring", dashed: false, points }];
}

function show({ machine, tables, recordsPerBlock, result }: SoakPage, page: HTMLElement): void {
  const { samples } = result;
  const charts: readonly [title: string, lines: readonly Line[], label: string, unit: string][] = [
    ["Resident memory after a forced collection", processLines(samples, "rss", KIB_PER_MIB), "MiB", "MiB"],
    ["The same without shared memory", processLines(samples, "own", KIB_PER_MIB), "MiB", "MiB"],
    ["Records sent", rateLines(samples, recordsPerBlock), "records per second", "/s"],
    ["Shared memory", sharedLines(samples), "MiB", "MiB"],
    ["File descriptors", processLines(samples, "descriptors", 1), "descriptors", ""],
    ["Threads", processLines(samples, "threads", 1), "threads", ""],
    ["Mappings of shared memory", processLines(samples, "sharedMappings", 1), "mappings", ""],
    ["All mappings", processLines(samples, "mappings", 1), "mappings", ""],
  ];
  const cards = charts.map(([title, lines, label, unit]) => {
    const place = element("div", "");
    // Its width is known once it stands in the page.
    requestAnimationFrame(() => drawTimes(place, lines, { label, unit }));
    return element("div", "card", element("h3", "", title), place);
  });
  page.append(
    element("h1", "", "Soak run of @qaultra/ipc"),
    element("div", "machine", machine),
    element("p", "quiet", "Dashed lines are Bun. What a run does and what it has to reach is in docs/reliability.md."),
    element("div", "charts", ...cards),
    element("h2", "", "Tables"),
    element("div", "scroll", element("pre", "", tables)),
    element("footer", "", "The result is in this page as JSON, in the element with the id “result”."),
  );
}

show(JSON.parse(document.getElementById("result")!.textContent!) as SoakPage, document.getElementById("page")!);
