// SPDX-License-Identifier: Apache-2.0

/** The epoch of a broadcaster or of a block, as names of files have it. */
export function epochOf({ epoch }: { readonly epoch: bigint }): string {
  return epoch.toString(16).padStart(16, "0");
}
