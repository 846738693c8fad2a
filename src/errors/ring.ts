// SPDX-License-Identifier: Apache-2.0
import { IpcError } from "./base.ts";

/** The ring of this epoch is no more. */
export class RingGoneError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RING_GONE";
  /** What is wrong, in words. */
  static override readonly condition: string = "the ring is gone: its writer closed it or died";
  /** What to do about it, in words. */
  static override readonly remedy: string = "wait for the next broadcaster of the stream";
}

/** A ring has a layout of another version; value is its version, limit the one known. */
export class RingVersionError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RING_VERSION";
  /** What is wrong, in words. */
  static override readonly condition: string = "the ring has a layout of another version";
  /** What to do about it, in words. */
  static override readonly remedy: string = "use the same version of this module in all processes of the stream";
}

/** A number in the header of a ring does not fit its segment; value is what lies there, limit what belongs there. */
export class RingCorruptError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RING_CORRUPT";
  /** What is wrong, in words. */
  static override readonly condition: string = "the header of the ring does not fit its segment";
  /** What to do about it, in words. */
  static override readonly remedy: string = "find out which process writes there, and start the broadcaster again";
}

/** A ring cannot have as many slots; value and limit are slots. */
export class RingCapacityError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RING_CAPACITY";
  /** What is wrong, in words. */
  static override readonly condition: string = "a ring cannot have as many slots";
  /** What to do about it, in words. */
  static override readonly remedy: string = "give bufferDepth a value from 16 to 65536";
}

/** A reader table has no such entry; value is the entry, limit their number. */
export class RingEntryError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RING_ENTRY";
  /** What is wrong, in words. */
  static override readonly condition: string = "the reader table has no such entry";
  /** What to do about it, in words. */
  static override readonly remedy: string = "report it with this message";
}

/** A stream has more rings than a subscriber merges. */
export class TooManyBroadcastersError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_BROADCASTERS";
  /** What is wrong, in words. */
  static override readonly condition: string =
    "the stream has more broadcasters on the ring lane than a subscriber merges";
  /** What to do about it, in words. */
  static override readonly remedy: string = "close broadcasters that are not needed, or split the stream";
}
