// SPDX-License-Identifier: Apache-2.0
/// <reference lib="dom" />
import uPlot from "uplot";
import { formatNumber } from "../support/table.ts";
import { colorOf, prefersDark, theme } from "./theme.ts";

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** What gives it its colour. */
  readonly subject: string;
  readonly dashed: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** An axis: what it shows, and the places that are marked. */
interface Axis {
  readonly label: string;
  readonly marks?: readonly { readonly at: number; readonly text: string }[];
}

/** A number of an axis or a bar. */
function short(value: number): string {
  if (value === 0) return "0";
  return value >= 1000 && value < 1e6 ? `${Number((value / 1000).toPrecision(3))} k` : formatNumber(value);
}

/** One bar of a chart. */
export interface Bar {
  /** Written under it; a line break is kept. */
  readonly label: string;
  readonly subject: string;
  readonly value: number;
}

const HEIGHT = 340;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const DASH = [6, 4];

/** Draws a chart as wide as its place, again when that changes or the colour scheme does. */
function mount(
  place: HTMLElement,
  options: () => Omit<uPlot.Options, "width" | "height">,
  data: uPlot.AlignedData,
): void {
  let chart: uPlot | undefined;
  const size = () => ({ width: Math.max(280, place.clientWidth), height: HEIGHT });
  const draw = () => {
    chart?.destroy();
    chart = new uPlot({ ...options(), ...size() }, data, place);
  };
  draw();
  prefersDark.addEventListener("change", draw);
  new ResizeObserver(() => chart?.setSize(size())).observe(place);
}

function axis(given: Axis, scale: string, more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  const { ink, grid } = theme();
  const { label, marks } = given;
  const line = { stroke: grid, width: 1 };
  return {
    scale,
    label,
    ...{ stroke: ink, font: FONT, labelFont: FONT, labelSize: 22, grid: line, ticks: { ...line, size: 5 } },
    ...(marks && {
      splits: () => marks.map(({ at }) => at),
      values: (_: uPlot, at: number[]) => at.map((value) => marks.find((mark) => mark.at === value)?.text ?? ""),
      // uPlot would leave out some marks of a logarithmic axis.
      filter: (_: uPlot, at: number[]) => at,
    }),
    ...more,
  };
}

/** Marks at 1, 2 and 5 times each power of ten, or at the powers alone where there are many of them. */
function logarithmicMarks(low: number, high: number): { at: number; text: string }[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const steps = last - first > 3 ? [1] : [1, 2, 5];
  const marks: { at: number; text: string }[] = [];
  for (let power = first; power <= last; power++) {
    for (const step of steps) {
      const at = Number((step * 10 ** power).toPrecision(1));
      if (at >= low && at <= high) marks.push({ at, text: at >= 1 ? at.toLocaleString("en") : String(at) });
    }
  }
  return marks;
}

/** The nearest marked place outwards, so that a logarithmic axis begins and ends with a mark. */
function widened(values: readonly number[]): [number, number] {
  const steps = [1, 2, 5, 10];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const lowPower = 10 ** Math.floor(Math.log10(low));
  const highPower = 10 ** Math.floor(Math.log10(high));
  const begin = [...steps].reverse().find((step) => step * lowPower <= low) ?? 1;
  const end = steps.find((step) => step * highPower >= high) ?? 10;
  const range: [number, number] = [Number((begin * lowPower).toPrecision(1)), Number((end * highPower).toPrecision(1))];
  return range[0] === range[1] ? [range[0], range[1] * 2] : range;
}

/** Lines over a logarithmic x axis. */
export function drawLines(
  place: HTMLElement,
  lines: readonly Line[],
  x: Required<Axis> & { readonly legend: string },
  y: { readonly label: string; readonly unit: string; readonly logarithmic: boolean },
): void {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map((point) => point.x)))].sort((a, b) => a - b);
  const data = [
    xs,
    ...lines.map(({ points }) => xs.map((at) => points.find((point) => point.x === at)?.y ?? null)),
  ] as uPlot.AlignedData;
  const values = lines.flatMap(({ points }) => points.map((point) => point.y)).filter((value) => value > 0);
  const [low, high] = y.logarithmic ? widened(values) : [0, Math.max(...values) * 1.1];
  const textAt = (value: number): string => x.marks.find((mark) => mark.at === value)?.text ?? formatNumber(value);
  mount(place, () => ({
    scales: {
      x: { time: false, distr: 3, log: 10, range: [xs[0], xs[xs.length - 1]] },
      y: { distr: y.logarithmic ? 3 : 1, log: 10, range: [low, high] },
    },
    axes: [
      axis(x, "x"),
      axis({ label: y.label, ...(y.logarithmic && { marks: logarithmicMarks(low, high) }) }, "y", { size: 64 }),
    ],
    series: [
      { label: x.legend, value: (_, value) => value === null ? "" : textAt(value) },
      ...lines.map(({ label, subject, dashed }): uPlot.Series => ({
        label,
        stroke: colorOf(subject),
        width: 2,
        ...(dashed && { dash: DASH }),
        points: { show: true, size: 5, fill: colorOf(subject) },
        value: (_, value) => value === null || value === undefined ? "" : `${formatNumber(value)} ${y.unit}`,
        spanGaps: true,
      })),
    ],
    legend: { markers: { dash: (_, index) => lines[index - 1]?.dashed ? "dashed" : "solid" } },
    cursor: { y: false },
  }), data);
}

/** Lines over minutes. */
export function drawTimes(
  place: HTMLElement,
  lines: readonly Line[],
  y: { readonly label: string; readonly unit: string },
): void {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map((point) => point.x)))].sort((a, b) => a - b);
  const data = [
    xs,
    ...lines.map(({ points }) => {
      const values = new Map(points.map((point) => [point.x, point.y]));
      return xs.map((at) => values.get(at) ?? null);
    }),
  ] as uPlot.AlignedData;
  const highest = Math.max(1, ...lines.flatMap(({ points }) => points.map((point) => point.y)));
  mount(place, () => ({
    scales: { x: { time: false }, y: { range: [0, highest * 1.1] } },
    axes: [axis({ label: "minutes" }, "x"), axis({ label: y.label }, "y", { size: 64 })],
    series: [
      { label: "minutes", value: (_, value) => formatNumber(value) },
      ...lines.map(({ label, subject, dashed }): uPlot.Series => ({
        label,
        stroke: colorOf(subject),
        width: 1.5,
        ...(dashed && { dash: DASH }),
        points: { show: false },
        value: (_, value) => value === null || value === undefined ? "" : `${formatNumber(value)} ${y.unit}`,
        spanGaps: true,
      })),
    ],
    legend: { markers: { dash: (_, index) => lines[index - 1]?.dashed ? "dashed" : "solid" } },
    cursor: { y: false },
  }), data);
}

/** Bars with their values above them, and a dashed line at the goal, where there is one. */
export function drawBars(
  place: HTMLElement,
  bars: readonly Bar[],
  label: string,
  goal?: number,
): void {
  const values = bars.map(({ value }) => value);
  const data = [bars.map((_, index) => index), values] as uPlot.AlignedData;
  const highest = Math.max(...values, goal ?? 0);
  mount(place, () => ({
    scales: {
      x: { time: false, range: [-0.6, bars.length - 0.4] },
      y: { range: [0, highest * 1.15] },
    },
    axes: [
      axis({ label: "", marks: bars.map((bar, at) => ({ at, text: bar.label })) }, "x", {
        grid: { show: false },
        labelSize: 0,
        size: 66,
      }),
      axis({ label }, "y", { size: 64, values: (_: uPlot, at: number[]) => at.map(short) }),
    ],
    series: [{}, {
      paths: uPlot.paths.bars!({
        size: [0.62, 90],
        disp: {
          fill: { unit: 3, values: () => bars.map(({ subject }) => colorOf(subject)) },
          stroke: { unit: 3, values: () => bars.map(({ subject }) => colorOf(subject)) },
        },
      }),
      points: { show: false },
    }],
    legend: { show: false },
    cursor: { show: false },
    hooks: { draw: [(chart) => annotate(chart, bars, goal)] },
  }), data);
}

function annotate(chart: uPlot, bars: readonly Bar[], goal: number | undefined): void {
  const { ctx } = chart;
  ctx.save();
  ctx.font = FONT.replace("12px", `${12 * devicePixelRatio}px`);
  ctx.fillStyle = theme().ink;
  ctx.textAlign = "center";
  bars.forEach(({ value }, index) => {
    const x = chart.valToPos(index, "x", true);
    ctx.fillText(short(value), x, chart.valToPos(value, "y", true) - 5 * devicePixelRatio);
  });
  if (goal !== undefined) {
    const y = chart.valToPos(goal, "y", true);
    const { left, width } = chart.bbox;
    ctx.strokeStyle = theme().ink;
    ctx.setLineDash(DASH.map((length) => length * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
  }
  ctx.restore();
}
