// SPDX-License-Identifier: Apache-2.0
//
// What the shim asks of Linux itself: memory nodes and free shared memory. The calls of qipc.h that concern nothing but the
// machine (qipc_clock_since_ns, qipc_thread_pin, qipc_thread_affinity) are defined in platform.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qipc {

/// Binds the pages of [address, address + length) to the memory node of the CPU that the calling thread runs on, moves those
/// that may be moved, and reads the node of the first page back. QIPC_E_UNSUPPORTED when the kernel has no such calls or
/// does not permit them.
int32_t numa_bind(void* address, size_t length, uint32_t* node_asked, uint32_t* node_found);

/// Bytes that this user can still write to the file system of `path`; UINT64_MAX when it has no limit of its own.
int32_t shm_free_bytes(const char* path, uint64_t* free_bytes);

} // namespace qipc
