// SPDX-License-Identifier: Apache-2.0

/** What a trial can end with in place of going on: somebody stands still, or somebody was ended who should live. */
export class Failure extends Error {
  readonly kind: "freeze" | "abort";

  constructor(kind: "freeze" | "abort", message: string) {
    super(message);
    this.kind = kind;
  }
}
