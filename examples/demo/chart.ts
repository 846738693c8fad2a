// SPDX-License-Identifier: Apache-2.0

const EIGHTHS = " ▁▂▃▄▅▆▇█";

/**
 * Draws numbers as a filled curve of block characters.
 *
 * @param values The numbers, from left to right.
 * @param width Columns, without the labels.
 * @param height Lines.
 * @returns The lines, with labels at the left.
 */
export function chart(values: readonly number[], width: number, height: number): string[] {
  const highest = Math.max(...values);
  const lowest = Math.min(...values);
  const span = highest - lowest || 1;
  const label = (value: number): string => Math.round(value).toLocaleString("en-US").padStart(10);
  const lines: string[] = [];
  for (let line = 0; line < height; line++) {
    const below = height - 1 - line;
    let text = "";
    for (let column = 0; column < width; column++) {
      const value = values[Math.floor((column * values.length) / width)]!;
      // One eighth at least, so that the lowest value shows, too.
      const eighths = 1 + Math.round(((value - lowest) / span) * (height * 8 - 1));
      text += EIGHTHS[Math.min(8, Math.max(0, eighths - below * 8))];
    }
    const edge = line === 0 ? label(highest) : line === height - 1 ? label(lowest) : " ".repeat(10);
    lines.push(`${edge} ┤${text.trimEnd()}`);
  }
  return lines;
}
