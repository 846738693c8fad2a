// SPDX-License-Identifier: Apache-2.0
//
// What the worker programs of the benches share. A worker is one process: it is given options, says "ready" when the other
// side may begin, and ends with one line of JSON.
import process from "node:process";

const values = new Map<string, string>();
for (let i = 2; i + 1 < process.argv.length; i += 2) values.set(process.argv[i], process.argv[i + 1]);

/** The text of option `--name`, or what stands for one that is not given. */
export function textOption(name: string, otherwise?: string): string {
  const value = values.get(`--${name}`) ?? otherwise;
  if (value === undefined) throw new TypeError(`The worker needs the option --${name}`);
  return value;
}

/** The number of option `--name`, or what stands for one that is not given. */
export function numberOption(name: string, otherwise?: number): number {
  const text = textOption(name, otherwise?.toString());
  const value = Number(text);
  if (!Number.isFinite(value)) throw new TypeError(`The option --${name} is not a number: ${text}`);
  return value;
}

/** Tells the runner that the other side may begin. */
export function sayReady(): void {
  process.stdout.write("ready\n");
}

/** Hands the result to the runner. */
export function report(result: Record<string, unknown>): void {
  process.stdout.write(JSON.stringify(result) + "\n");
}

/** Lets the event loop turn for about `ms`. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until `condition` holds; a runner that waits in vain ends the worker. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1);
}
