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
  /** Of the last granted loan: its slot, its window and where it begins there. */
  readonly slot: number;
  readonly window: number;
  readonly offset: number;
  /** Loans a chunk: LOAN_GRANTED, LOAN_NO_CHUNK, or another number when a lossless queue is full; misuse throws. */
  loan(): number;
  /** Stamps the time into bytes 8 to 15 of the chunk and delivers it; false when a lossless queue is full, and it stays loaned. */
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

/** Memory that blocks lie in. */
export interface MappedWindow {
  readonly buffer: ArrayBuffer;
  readonly writable: boolean;
}

/** A stack, connected: what everything above is built on. */
export interface Transport {
  readonly stack: string;
  readonly name: string;
  readonly state: TransportState;
  /** Maps a window, once each. The caller detaches its views before it closes the transport. */
  mapWindow(id: number): MappedWindow;
  openPublisher(name: PortName, settings: PublisherSettings): TransportPublisher;
  openSubscriber(name: PortName, settings: SubscriberSettings): TransportSubscriber;
  ports(): PortEntry[];
  /** Binds the block memory to the NUMA node of the calling thread; returns the node, read back. */
  bindNuma(): number;
  close(): void;
}
