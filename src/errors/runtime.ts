// SPDX-License-Identifier: Apache-2.0
import { IpcError } from "./base.ts";

/** A defect of the native library or of its stack; the message names it. */
export class InternalError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_INTERNAL";
  /** What is wrong, in words. */
  static override readonly condition: string = "the native library met a defect of its own or of its stack";
  /** What to do about it, in words. */
  static override readonly remedy: string = "report it with this message, and open a new runtime before going on";
}

/** An option of the runtime is unknown, malformed or out of its range. */
export class OptionError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_OPTION";
  /** What is wrong, in words. */
  static override readonly condition: string = "an option is unknown, malformed or out of its range";
  /** What to do about it, in words. */
  static override readonly remedy: string = "correct the option that the message names";
}

/** Another live process runs under this runtime name. */
export class NameInUseError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_NAME_IN_USE";
  /** What is wrong, in words. */
  static override readonly condition: string = "another process runs under this runtime name";
  /** What to do about it, in words. */
  static override readonly remedy: string = "choose another name, or give none and get a unique one";
}

/** No daemon (RouDi) answers. */
export class DaemonAbsentError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_DAEMON_ABSENT";
  /** What is wrong, in words. */
  static override readonly condition: string = "no daemon answers";
  /** What to do about it, in words. */
  static override readonly remedy: string = 'start iox-roudi, or open the runtime with roudi: "spawn"';
}

/** The daemon that this runtime was attached to is dead or was replaced; on iceoryx2, the root was removed. */
export class DaemonGoneError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_DAEMON_GONE";
  /** What is wrong, in words. */
  static override readonly condition: string =
    "what this runtime was attached to, the daemon or the root of iceoryx2, is gone";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "start iox-roudi, or on iceoryx2 see to it that the root can be made again: the runtime attaches by itself";
}

/** The daemon exists and does not answer in time. */
export class DaemonHungError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_DAEMON_HUNG";
  /** What is wrong, in words. */
  static override readonly condition: string = "the daemon exists and does not answer in time";
  /** What to do about it, in words. */
  static override readonly remedy: string = "stop iox-roudi by its process id and start it again";
}

/** The daemon could not be started. */
export class DaemonStartError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_DAEMON_START";
  /** What is wrong, in words. */
  static override readonly condition: string = "the daemon could not be started";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "install the package iceoryx, and see that iox-roudi runs when it is started by hand";
}

/** There is less free shared memory than needed; value and limit are bytes free and bytes needed. */
export class SharedMemoryTooSmallError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SHM_TOO_SMALL";
  /** What is wrong, in words. */
  static override readonly condition: string = "/dev/shm has fewer bytes free than needed";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "make /dev/shm larger (docker run --shm-size, mount -o remount,size=...), remove leftovers there, or ask for less";
}

/** This process has a runtime of this stack open with other options. */
export class OptionsDifferError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_OPTIONS_DIFFER";
  /** What is wrong, in words. */
  static override readonly condition: string = "this process has a runtime open with other options";
  /** What to do about it, in words. */
  static override readonly remedy: string = "open it with equal options, or close the other one before";
}

/** The daemon takes no further publisher. */
export class TooManyPublishersError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_PUBLISHERS";
  /** What is wrong, in words. */
  static override readonly condition: string = "the daemon takes no further publisher";
  /** What to do about it, in words. */
  static override readonly remedy: string = "close broadcasters that are not needed";
}

/** The daemon takes no further subscriber port. */
export class TooManySubscribersError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_SUBSCRIBERS";
  /** What is wrong, in words. */
  static override readonly condition: string = "the daemon takes no further subscriber port";
  /** What to do about it, in words. */
  static override readonly remedy: string = "close subscribers that are not needed; those of one Worker share a port";
}

/** This user may not connect to the daemon, write any of its segments, read a ring, or make one for a group. */
export class AccessError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_ACCESS";
  /** What is wrong, in words. */
  static override readonly condition: string = "the system does not let this user do that";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "run as a member of the group that may, and start the program anew after joining it";
}

/** The daemon takes no further process. */
export class TooManyProcessesError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_PROCESSES";
  /** What is wrong, in words. */
  static override readonly condition: string = "the daemon takes no further process";
  /** What to do about it, in words. */
  static override readonly remedy: string = "end processes that are not needed, or use Workers of one process";
}

/** This process has as many native handles open as it may. */
export class TooManyHandlesError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_HANDLES";
  /** What is wrong, in words. */
  static override readonly condition: string = "this process has too many native handles open";
  /** What to do about it, in words. */
  static override readonly remedy: string = "close broadcasters and subscribers that are not needed";
}

/** A system call failed; value is its errno. */
export class SystemError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_SYSTEM";
  /** What is wrong, in words. */
  static override readonly condition: string = "a system call failed";
  /** What to do about it, in words. */
  static override readonly remedy: string = "look up the error number, and see docs/troubleshooting.md";
}

/** This machine or stack cannot do it. */
export class UnsupportedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_UNSUPPORTED";
  /** What is wrong, in words. */
  static override readonly condition: string = "this machine or stack cannot do it";
  /** What to do about it, in words. */
  static override readonly remedy: string = "leave the option out";
}

/** The daemon takes no further parked waiter. */
export class TooManyWaitersError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_TOO_MANY_WAITERS";
  /** What is wrong, in words. */
  static override readonly condition: string = "the daemon takes no further parked waiter";
  /** What to do about it, in words. */
  static override readonly remedy: string = 'use wait: "backoff" for some subscribers';
}

/** The daemon speaks another version of its protocol. */
export class DaemonVersionError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_VERSION";
  /** What is wrong, in words. */
  static override readonly condition: string = "the daemon speaks another version of its protocol";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "install the same version of the daemon and of the libraries that the shim was built with";
}

/** The native library was not found or could not be loaded. */
export class LibraryNotFoundError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_LIBRARY_NOT_FOUND";
  /** What is wrong, in words. */
  static override readonly condition: string = "the native library was not found or could not be loaded";
  /** What to do about it, in words. */
  static override readonly remedy: string =
    "build it with ./x setup, install it, or name its path in the option or environment variable";
}

/** The native library implements another version of the C ABI; value is its version, limit the one needed. */
export class AbiMismatchError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_ABI_MISMATCH";
  /** What is wrong, in words. */
  static override readonly condition: string = "the native library implements another ABI version";
  /** What to do about it, in words. */
  static override readonly remedy: string = "build and install the library that belongs to this version of the module";
}

/** The permission for FFI is missing, or is scoped to paths where the whole is needed. */
export class PermissionError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_PERMISSION";
  /** What is wrong, in words. */
  static override readonly condition: string = "the permission to use FFI is missing or scoped to paths";
  /** What to do about it, in words. */
  static override readonly remedy: string = "run the script with --allow-ffi without paths";
}

/** No runtime is open in this process. */
export class RuntimeNotOpenError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RUNTIME_NOT_OPEN";
  /** What is wrong, in words. */
  static override readonly condition: string = "no runtime is open";
  /** What to do about it, in words. */
  static override readonly remedy: string = "call Runtime.open before";
}

/** The runtime was closed. */
export class RuntimeClosedError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_RUNTIME_CLOSED";
  /** What is wrong, in words. */
  static override readonly condition: string = "the runtime is closed";
  /** What to do about it, in words. */
  static override readonly remedy: string = "open a new runtime";
}

/** There is no stack of this name. */
export class StackUnknownError extends IpcError {
  /** The stable code of this class. */
  static override readonly code: string = "QIPC_STACK_UNKNOWN";
  /** What is wrong, in words. */
  static override readonly condition: string = "there is no stack of this name";
  /** What to do about it, in words. */
  static override readonly remedy: string = "use one of the stacks that the documentation of Runtime.open lists";
}
