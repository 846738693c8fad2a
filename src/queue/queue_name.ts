// SPDX-License-Identifier: Apache-2.0

/** The event under which the blocks of a stream travel on the queue lane, as QAULTRA's C++ processes name it. */
export const DATA_EVENT = "Data";

/** The most blocks that a queue of the stack holds. */
export const QUEUE_CAPACITY_MAX = 256;

/** The most blocks that the stack keeps for late subscribers. */
export const QUEUE_HISTORY_MAX = 16;
