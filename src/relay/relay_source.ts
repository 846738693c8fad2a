// SPDX-License-Identifier: Apache-2.0
import type { BlockOutlet } from "../hub/block_outlet.ts";

/** A broadcaster of the source side, and what is written for it on the target side. */
export interface RelaySource {
  /** Its epoch, as two words. */
  readonly low: number;
  readonly high: number;
  /** Whether its blocks were written by this relay, or come from the other side without it: they are not to go there. */
  readonly isOwn: boolean;
  /** What its blocks are written to; null when there is nothing at the moment. */
  outlet: BlockOutlet | null;
  /** What is added to its sequences, which is 0 until it goes back in them. */
  shift: number;
  /** The sequence that an outlet goes on with. */
  next: number;
  /** The count of looks when a block of it came last. */
  heardAt: number;
}
