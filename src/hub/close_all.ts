// SPDX-License-Identifier: Apache-2.0

/** Closes every one, also when some throw; throws the first error then. */
export function closeAll(closables: readonly ({ close(): void } | undefined)[]): void {
  const failures: unknown[] = [];
  for (const closable of closables) {
    try {
      closable?.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
