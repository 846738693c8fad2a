/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring lane: blocks in shared memory of the writer's own, written and read by atomic loads and stores alone.
 *
 * Header-only; usable from C11, C++17 and, for the layout, Rust bindgen. `docs/ring.md` explains how the parts work together.
 * Nothing here allocates. It needs Linux, and the declarations of gnu11, or _DEFAULT_SOURCE before the first include.
 */
#ifndef QAULTRA_IPC_RING_H
#define QAULTRA_IPC_RING_H

#include "ring_layout.h"

#include "ring_atomic.h"
#include "ring_check.h"
#include "ring_wait.h"

#include "ring_access.h"
#include "ring_format.h"
#include "ring_table.h"

#include "ring_join.h"
#include "ring_reader.h"
#include "ring_writer.h"

#include "ring_keeper.h"
#include "ring_process.h"
#include "ring_segment.h"

#endif
