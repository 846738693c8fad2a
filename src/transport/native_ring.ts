// SPDX-License-Identifier: Apache-2.0
import { ConfigError, OptionError } from "../errors.ts";
import type { Native } from "../ffi/native.ts";
import type { Scratch } from "../ffi/types.ts";
import type { NativePublisher } from "./native_publisher.ts";
import type { Parker } from "./parker.ts";
import { RingAnnouncer } from "./ring_announcer.ts";
import {
  type AnnouncedRing,
  NO_ENTRY,
  type ProcessIdentity,
  type RingArea,
  type RingOrigin,
  type RingSettings,
  type RingWord,
  type StreamName,
  type Transport,
  type TransportPublisher,
  type TransportRing,
} from "./transport.ts";

const FLAG_LOSSLESS = 1;
const NO_HANDLE = 0;
const NO_NATIVE_ENTRY = 0xffffffff;
const WAIT_BYTES = 16;
/** The group that the process runs under, and what its members may do. */
const GROUP_OWN = 0xffffffff;
const MODE_DEFAULT = 0o660;
/** The identity of a writer's end, which has no entry. */
const NOBODY: ProcessIdentity = { pid: 0, startTimeLow: 0, startTimeHigh: 0, namespaceLow: 0, namespaceHigh: 0 };

/** A ring of this process. */
interface OwnRing {
  readonly name: StreamName;
  readonly settings: RingSettings;
}

/** What its announcements say of it. */
interface DescribedRing extends OwnRing {
  readonly epochLow: number;
  readonly epochHigh: number;
  readonly createdNs: bigint;
}

/** One end of a ring behind the C ABI. */
export class NativeRing implements TransportRing {
  readonly data: RingArea;
  readonly table: RingArea;
  readonly tableWritable: boolean;
  readonly beats = true;
  readonly identity: ProcessIdentity;
  /** The handle, for the parker. */
  readonly handle: number;
  readonly #native: Native;
  readonly #transport: Transport;
  readonly #parker: Parker;
  readonly #own: DescribedRing | undefined;
  readonly #wait: Scratch;
  readonly #waitWords: Uint32Array;
  #announcer: RingAnnouncer | undefined;
  #queue = NO_HANDLE;
  #closed = false;

  private constructor(native: Native, transport: Transport, parker: Parker, own?: OwnRing) {
    const { resultView: view, resultWords: words } = native;
    const area = (at: number): RingArea => {
      const byteLength = Number(view.getBigUint64(at + 8, true));
      return { buffer: native.alias(view.getBigUint64(at, true), byteLength), byteOffset: 0, byteLength };
    };
    this.handle = words[0]!;
    this.data = area(16);
    this.table = area(32);
    this.tableWritable = own !== undefined || words[1] === 1;
    this.identity = own !== undefined ? NOBODY : {
      pid: words[14]!,
      startTimeLow: words[16]!,
      startTimeHigh: words[17]!,
      namespaceLow: words[18]!,
      namespaceHigh: words[19]!,
    };
    this.#native = native;
    this.#transport = transport;
    this.#parker = parker;
    this.#own = own && {
      ...own,
      epochLow: words[2]!,
      epochHigh: words[3]!,
      createdNs: view.getBigUint64(48, true),
    };
    this.#wait = native.scratch(WAIT_BYTES);
    this.#waitWords = new Uint32Array(this.#wait.buffer);
  }

  /** Makes a ring. */
  static create(
    native: Native,
    transport: Transport,
    runtime: number,
    parker: Parker,
    name: StreamName,
    settings: RingSettings,
  ): NativeRing {
    const action = `make a ring for stream ${JSON.stringify(name.stream)}`;
    const { group, mode = MODE_DEFAULT } = settings.access ?? {};
    const groupId = typeof group === "string" ? findGroup(native, action, group) : group ?? GROUP_OWN;
    const service = native.text(name.service);
    const stream = native.text(name.stream);
    native.check(
      native.symbols.qipc_ring_create(
        runtime,
        service.native,
        service.length,
        stream.native,
        stream.length,
        settings.capacity,
        settings.entries,
        settings.maxSubscribers,
        settings.lossless ? FLAG_LOSSLESS : 0,
        settings.heartbeatIntervalMs,
        settings.readerTimeoutMs,
        settings.firstSequence,
        groupId,
        mode,
        native.result.native,
      ),
      action,
      group,
    );
    return new NativeRing(native, transport, parker, { name, settings });
  }

  /** Maps the ring of this epoch. */
  static attach(
    native: Native,
    transport: Transport,
    runtime: number,
    parker: Parker,
    epochLow: number,
    epochHigh: number,
  ): NativeRing {
    const { symbols, result } = native;
    native.check(symbols.qipc_ring_attach(runtime, epochLow, epochHigh, result.native), "attach to a ring");
    return new NativeRing(native, transport, parker);
  }

  wake(word: RingWord): void {
    this.#native.symbols.qipc_ring_wake(this.handle, word);
  }

  wait(word: RingWord, expected: number, timeoutMs: number): void {
    const words = this.#waitWords;
    words[0] = this.handle;
    words[1] = word;
    words[2] = expected;
    this.#native.check(this.#native.symbols.qipc_ring_wait(this.#wait.native, 1, timeoutMs), "wait at a ring");
  }

  park(word: RingWord, expected: number, onChange: () => void): void {
    this.#parker.parkRing(this, word, expected, onChange);
  }

  unpark(word: RingWord): void {
    this.#parker.unparkRing(this, word);
  }

  keepEntry(entry: number): void {
    const { symbols } = this.#native;
    // At the end of the process the library has let go of it before.
    if (entry === NO_ENTRY) symbols.qipc_ring_keep_entry(this.handle, NO_NATIVE_ENTRY);
    else this.#native.check(symbols.qipc_ring_keep_entry(this.handle, entry), "keep an entry of a ring");
  }

  writerAlive(): boolean {
    return this.#native.symbols.qipc_ring_writer_alive(this.handle) === 1;
  }

  announcement(origin: RingOrigin): AnnouncedRing {
    const { settings, epochLow, epochHigh, createdNs } = this.#own!;
    return {
      epochLow,
      epochHigh,
      origin,
      flags: settings.lossless ? FLAG_LOSSLESS : 0,
      dataBytes: this.data.byteLength,
      tableBytes: this.table.byteLength,
      firstSequence: settings.firstSequence,
      createdNs,
    };
  }

  announce(origin: RingOrigin): void {
    this.#announcer?.close();
    this.#announcer = undefined;
    this.#queue = NO_HANDLE;
    this.#announcer = new RingAnnouncer(this.#transport, this.#own!.name, this.announcement(origin));
    this.#setPublishers();
  }

  setAudience(elsewhere: number): void {
    this.#native.symbols.qipc_ring_set_audience(this.handle, elsewhere);
  }

  watchQueue(port: TransportPublisher | null): void {
    this.#queue = port === null ? NO_HANDLE : (port as NativePublisher).handle;
    this.#setPublishers();
  }

  bindNuma(): number {
    const { symbols, result, resultWords } = this.#native;
    this.#native.check(symbols.qipc_ring_bind_numa(this.handle, result.native), "bind a ring to a NUMA node");
    return resultWords[1]!;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parker.forgetRing(this);
    // The ring first: whether somebody still has to open it is seen from the announcer's subscribers.
    this.#native.symbols.qipc_ring_close(this.handle);
    this.#announcer?.close();
  }

  #setPublishers(): void {
    const status = this.#native.symbols.qipc_ring_set_publishers(
      this.handle,
      (this.#announcer?.port as NativePublisher | undefined)?.handle ?? NO_HANDLE,
      this.#queue,
    );
    this.#native.check(status, "tie publishers to a ring");
  }
}

/** The id of a group that exists. */
function findGroup(native: Native, action: string, group: string): number {
  const text = native.text(group);
  const status = native.symbols.qipc_group_id(text.native, text.length, native.result.native);
  if (status >= 0) return native.resultWords[0]!;
  const error = native.error(status, action, group);
  if (!(error instanceof OptionError)) throw error;
  throw new ConfigError(action, {
    value: group,
    condition: "this machine has no group of the name that access gives",
    remedy: "make it with `groupadd`, or give a group that `getent group` lists",
  });
}
