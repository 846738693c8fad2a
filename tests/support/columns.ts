// SPDX-License-Identifier: Apache-2.0

/**
 * Lines of a table for people: columns as wide as their longest cell.
 *
 * @param lines Cells, the same number in each line; the first line is the headings.
 * @param isText Whether a column is text, on the left; numbers stand on the right.
 * @param options `rule`: whether a line is drawn under the headings.
 */
export function alignColumns(
  lines: readonly (readonly string[])[],
  isText: (column: number) => boolean,
  { rule }: { readonly rule: boolean },
): string[] {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const aligned = lines.map((line) =>
    line.map((cell, column) => isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))
      .join("  ").trimEnd()
  );
  if (rule) aligned.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return aligned;
}
