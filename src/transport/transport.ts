// SPDX-License-Identifier: Apache-2.0

/** What can be told about a connection without asking anybody: see `Runtime.state`. */
export type TransportState = "attached" | "detached" | "closed";

/** A loan was granted. */
export const LOAN_GRANTED = 0;
/** No loan: the pool has no free chunk. */
export const LOAN_NO_CHUNK = 2;

/** 32-bit words of one entry of a take, and where its fields lie. */
export const TAKE_ENTRY_WORDS = 8;
export const TAKE_SLOT = 0;
export const TAKE_WINDOW = 1;
export const TAKE_OFFSET = 2;
export const TAKE_ORIGIN_LOW = 4;
export const TAKE_ORIGIN_HIGH = 5;

/** The most chunks of one take, and the most a port can hold. */
export const TAKE_MAX = 256;

/** One named port: three names as the stack's service discovery knows them. */
export interface PortName {
  readonly service: string;
  readonly stream: string;
  readonly event: string;
}

/** One port name that somebody offers or subscribes to. */
export interface PortEntry extends PortName {
  readonly publishers: number;
  /** Of them: who waits for no subscriber, so that lossless ones do not connect to it. */
  readonly lossyPublishers: number;
  readonly subscribers: number;
}

/** How a publisher is to be opened. */
export interface PublisherSettings {
  readonly payloadBytes: number;
  readonly alignment: number;
  /** Chunks kept for late subscribers. */
  readonly history: number;
  /** Whether subscribers that ask for it make this publisher wait instead of losing. */
  readonly blocking: boolean;
  /** Whether publishing writes the time into bytes 8 to 15. */
  readonly stamp: boolean;
}

/** How a subscriber is to be opened. */
export interface SubscriberSettings {
  readonly payloadBytes: number;
  readonly alignment: number;
  /** Chunks queued at the most. */
  readonly capacity: number;
  /** Chunks asked of each publisher's history. */
  readonly history: number;
  /** Whether publishers shall wait for this subscriber instead of overrunning it. */
  readonly blocking: boolean;
}

/** The writing port of a stack. Chunks are named by (window, offset). */
export interface TransportPublisher {
  /** What the stack calls this port on each of its chunks, as two 32-bit words. */
  readonly origin: RingOrigin;
  /** Of the last granted loan: its slot, its window and where it begins there. */
  readonly slot: number;
  readonly window: number;
  readonly offset: number;
  /** Loans a chunk: LOAN_GRANTED, LOAN_NO_CHUNK, or another number when a lossless queue is full; misuse throws. */
  loan(): number;
  /** Delivers the chunk, with the time in bytes 8 to 15 if it is to be stamped; false when a lossless queue is full, and it stays loaned. */
  publish(slot: number): boolean;
  /** Gives a loan back. */
  discard(slot: number): void;
  /** Subscribers connected now; takes the stack's lock. */
  subscriberCount(): number;
  /** Whether a loan would find a lossless queue with room. */
  hasRoom(): boolean;
  close(): void;
}

/** The reading port of a stack. */
export interface TransportSubscriber {
  /** What the last take brought, TAKE_ENTRY_WORDS a chunk. */
  readonly entries: Uint32Array;
  /** Chunks of a wrong size or alignment that a peer sent and that were given back. */
  readonly foreignChunks: number;
  /** Takes up to `max` chunks into `entries`; returns how many. */
  take(max: number): number;
  /** Gives a chunk back. */
  release(slot: number): void;
  hasData(): boolean;
  /** Blocks the thread until there is data or the time is over; tells whether there is. */
  wait(timeoutMs: number): boolean;
  /** Calls back once in the event loop when data is there or arrives; keeps the event loop alive until then. */
  park(onReady: () => void): void;
  /** Takes a park back, if one is out. */
  unpark(): void;
  /** Stops the publishers' cost of waking this port until it parks again. */
  quieten(): void;
  close(): void;
}

/** The words of a ring that can be waited on: for data, or for room in it. */
export const RING_DATA = 0;
export const RING_ROOM = 1;
export type RingWord = typeof RING_DATA | typeof RING_ROOM;

/** No entry of a reader table. */
export const NO_ENTRY = -1;

/** The name of a stream. */
export interface StreamName {
  readonly service: string;
  readonly stream: string;
}

/** Which users may read a ring: a group by name or id, the own one when it is undefined, and rights in the manner of chmod. */
export interface RingAccess {
  readonly group?: string | number | undefined;
  readonly mode?: number | undefined;
}

/** How a ring is made. */
export interface RingSettings {
  /** Slots, a power of two. */
  readonly capacity: number;
  /** Entries of the reader table. */
  readonly entries: number;
  readonly maxSubscribers: number;
  readonly lossless: boolean;
  /** A writer without a sign of life for so long is stale. */
  readonly heartbeatIntervalMs: number;
  /** A lossless reader without a sign of life for so long is dropped. */
  readonly readerTimeoutMs: number;
  readonly firstSequence: number;
  /** Null: its user and the group that the process runs under. A stack within one process has no other users. */
  readonly access?: RingAccess | null;
}

/** A piece of a buffer. */
export interface RingArea {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** Which process a reader's entry belongs to, in 32-bit words; all zero where there is only one. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTimeLow: number;
  readonly startTimeHigh: number;
  readonly namespaceLow: number;
  readonly namespaceHigh: number;
}

/** The two areas of a ring as one end of it sees them, and what that end needs of the stack. */
export interface TransportRing {
  readonly data: RingArea;
  readonly table: RingArea;
  readonly tableWritable: boolean;
  /** Whether readers' heartbeats are kept up by their process; if not, only their progress shows that they live. */
  readonly beats: boolean;
  readonly identity: ProcessIdentity;
  /** Lowers the flag of a word and wakes all who wait at it. */
  wake(word: RingWord): void;
  /** Blocks the thread while the word has this value and the time is not over. */
  wait(word: RingWord, expected: number, timeoutMs: number): void;
  /** Calls back once in the event loop when the word has another value; keeps the event loop alive until then. One park a word. */
  park(word: RingWord, expected: number, onChange: () => void): void;
  /** Takes a park back, if one is out. */
  unpark(word: RingWord): void;
  /** The entry whose heartbeat is kept up from now on, or NO_ENTRY. */
  keepEntry(entry: number): void;
  /** Whether the writer still lives, closed or not. A few system calls. */
  writerAlive(): boolean;
  /** Tells the stream's subscribers of the ring, the later ones too. Again after the stack has forgotten it. */
  announce(origin: RingOrigin): void;
  /** Of a writer's end: what another stack is to say of the ring; null when it lies in memory of this process alone. */
  announcement(origin: RingOrigin): AnnouncedRing | null;
  /** How many subscribers the ring's announcements on other stacks have: at its end they may still want to attach. */
  setAudience(elsewhere: number): void;
  /** The port that serves the ring's blocks on the queue lane: its subscribers are counted into the ring's header. */
  watchQueue(port: TransportPublisher | null): void;
  /** Binds the data to the NUMA node of the calling thread; returns the node, read back. */
  bindNuma(): number;
  /** Lets go of the memory, whose views the caller has detached, and if this is the writer's end, ends the ring. */
  close(): void;
}

/** What the stack calls the queue lane's port of the same broadcaster; zero without one. */
export interface RingOrigin {
  readonly low: number;
  readonly high: number;
}

/** A ring that was announced. */
export interface RingNews {
  readonly epochLow: number;
  readonly epochHigh: number;
  readonly origin: RingOrigin;
}

/** What an announcement says beside the news. */
export interface AnnouncedRing extends RingNews {
  readonly flags: number;
  readonly dataBytes: number;
  readonly tableBytes: number;
  readonly firstSequence: number;
  readonly createdNs: bigint;
}

/** Tells of the rings of one stream, those that are there first. */
export interface RingFinder {
  /** Whether there is news; cheap enough for a reader that looks all the time. */
  hasNews(): boolean;
  /** The next ring that was announced, or null. */
  next(): RingNews | null;
  /** Calls back once in the event loop when there is news; keeps the event loop alive until then. */
  park(onNews: () => void): void;
  unpark(): void;
  /** The process may have attached anew: looks where announcements come now. */
  renew(): void;
  close(): void;
}

/** Memory that blocks lie in. */
export interface MappedWindow {
  readonly buffer: ArrayBuffer;
  readonly writable: boolean;
}

/** The checksums of blocks, by the processor's instruction. A block lies in `bytes` from a place on that is a multiple of 8. */
export interface BlockChecksums {
  /** Puts the checksum into the trailer of a block that is otherwise complete. */
  seal(bytes: Uint8Array, offset: number, sequenceLow: number, sequenceHigh: number): void;
  /** Whether a block has a checksum and it is right. */
  isSound(bytes: Uint8Array, offset: number): boolean;
}

/** A stack, connected: what everything above is built on. */
export interface Transport {
  readonly stack: string;
  readonly name: string;
  readonly state: TransportState;
  /** Maps a window, once each. The caller detaches its views before it closes the transport. */
  mapWindow(id: number): MappedWindow;
  /** Unmaps the windows of earlier generations. Every view of them becomes empty. */
  retireWindows(): void;
  openPublisher(name: PortName, settings: PublisherSettings): TransportPublisher;
  openSubscriber(name: PortName, settings: SubscriberSettings): TransportSubscriber;
  /** Makes a ring, not announced yet. */
  createRing(name: StreamName, settings: RingSettings): TransportRing;
  /** Maps the ring of this epoch, data read-only. Throws RingGoneError when it is no more. */
  attachRing(epochLow: number, epochHigh: number): TransportRing;
  findRings(name: StreamName): RingFinder;
  /** The clock of heartbeats: milliseconds modulo 2^32, the same for all who share a ring. */
  clockMs(): number;
  /** The wall clock, in nanoseconds since the moment given as two 32-bit words of nanoseconds since 1970. */
  readonly clockSinceNs: (low: number, high: number) => number;
  /** Null where there is no library that could make them. */
  readonly checksums: BlockChecksums | null;
  /**
   * Goes up each time this process has attached anew, to a daemon that had forgotten it or to its successor. Costs nothing; it is what
   * it was when `state` was asked for last.
   */
  readonly generation: number;
  /** Lets another thread have this CPU. */
  yieldThread(): void;
  /** Pins the calling thread to one CPU and reads the affinity back; throws UnsupportedError when it may not run there. */
  pinThread(cpu: number): void;
  /** Whether it has ports; without them there is no queue lane. */
  readonly hasPorts: boolean;
  ports(): PortEntry[];
  /** Binds the block memory to the NUMA node of the calling thread; returns the node, read back. */
  bindNuma(): number;
  close(): void;
}
