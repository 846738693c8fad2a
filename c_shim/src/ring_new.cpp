// SPDX-License-Identifier: Apache-2.0
//
// How this process comes by a ring: it makes it, or attaches one that somebody else has made.
#include "check.hpp"
#include "exit.hpp"
#include "ring_end.hpp"
#include "ring_file.hpp"
#include "ring_keeper.hpp"
#include "ring_remains.hpp"

#include <cerrno>
#include <cmath>
#include <cstring>

namespace qipc {
namespace {

constexpr uint32_t kPeriodMsMax = INT32_MAX; // moments are compared by their difference modulo 2^32

int32_t check_period(const char* what, uint32_t period_ms) {
    return period_ms > 0 && period_ms <= kPeriodMsMax
               ? QIPC_OK
               : fail(QIPC_E_OPTION, period_ms, kPeriodMsMax, "Cannot use a %s of %u ms: it must be 1 to %u", what, period_ms,
                      kPeriodMsMax);
}

int32_t check_options(const qaultra_ring_options& options, double first_sequence) {
    if (!qaultra_ring_capacity_valid(options.capacity)) {
        const bool is_below = options.capacity < QIPC_RING_CAPACITY_MIN;
        return fail(QIPC_E_RING_CAPACITY, options.capacity, is_below ? QIPC_RING_CAPACITY_MIN : QIPC_RING_CAPACITY_MAX,
                    "Cannot make a ring of %u slots: it must be a power of two from %u to %u", options.capacity,
                    QIPC_RING_CAPACITY_MIN, QIPC_RING_CAPACITY_MAX);
    }
    if (options.entry_count == 0 || options.entry_count > QIPC_RING_ENTRIES_MAX) {
        return fail(QIPC_E_RING_ENTRY, options.entry_count, QIPC_RING_ENTRIES_MAX,
                    "Cannot make a ring with room for %u readers: it must be 1 to %u", options.entry_count,
                    QIPC_RING_ENTRIES_MAX);
    }
    if ((options.flags & ~QIPC_RING_LOSSLESS) != 0) {
        return fail(QIPC_E_OPTION, options.flags, QIPC_RING_LOSSLESS, "Cannot use the ring flags 0x%x", options.flags);
    }
    if (!qaultra_ring_access_valid(options.access)) {
        return fail(QIPC_E_OPTION, options.access, QAULTRA_RING_ACCESS_MAX,
                    "Cannot make a ring with the access 0%o: it must be 0600, 0640, 0644, 0660, 0664 or 0666", options.access);
    }
    constexpr double most = static_cast<double>(QAULTRA_RING_SEQUENCE_MAX);
    if (!(first_sequence >= 0) || first_sequence > most || std::floor(first_sequence) != first_sequence) {
        return fail(QIPC_E_OPTION, first_sequence, most,
                    "Cannot begin a ring at the sequence %g: it must be a whole number from 0 to 2^53 - 1", first_sequence);
    }
    const int32_t status = check_period("heartbeat interval", options.heartbeat_interval_ms);
    return status == QIPC_OK ? check_period("reader timeout", options.reader_timeout_ms) : status;
}

/** The handle and the keeper for memory that is mapped. */
int32_t take_into_care(uint32_t runtime, std::shared_ptr<RingMemory> memory, uint32_t* handle) {
    const auto ring = std::make_shared<Ring>();
    ring->memory = std::move(memory);
    if (ring->memory->is_writer) {
        const qaultra_ring_identity own = qaultra_ring_identity_self();
        ring->care =
            qaultra_ring_keeper_bind(ring->memory->header, &ring->memory->shape, &ring->memory->table, &own);
    }
    ring->runtime = runtime;
    int32_t status = QIPC_OK;
    if (!keeper_add(ring)) {
        status = fail(QIPC_E_SYSTEM, errno, 0, "Cannot keep a ring: no thread could be started");
    } else {
        status = handle_make(Kind::ring, ring.get(), &ring->handle);
    }
    if (status == QIPC_OK && process_is_exiting()) {
        // The end of the process may not have seen it.
        handle_free(ring->handle);
        status = refuse_after_exit();
    }
    if (status != QIPC_OK) {
        const ErrorDetail detail = saved_detail();
        ring_end(*ring, false);
        keeper_remove(*ring);
        restore_detail(detail);
        return status;
    }
    *handle = ring->handle;
    return QIPC_OK;
}

void write_areas(const RingMemory& memory, uint8_t* result) {
    const uint64_t words[4] = {reinterpret_cast<uint64_t>(memory.header), memory.shape.segment_bytes,
                               reinterpret_cast<uint64_t>(memory.table.header), memory.table_shape.segment_bytes};
    std::memcpy(result + 16, words, sizeof words);
}

/** The runtime's handle, and that the process goes on. */
int32_t check_runtime(uint32_t runtime) {
    if (handle_object<RuntimeHandle>(runtime, Kind::runtime) == nullptr) {
        return handle_refusal(runtime, Kind::runtime);
    }
    return process_is_exiting() ? refuse_after_exit() : QIPC_OK;
}

} // namespace
} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_ring_create(uint32_t runtime, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
                                     uint32_t stream_len, uint32_t capacity, uint32_t entries, uint32_t max_subscribers,
                                     uint32_t flags, uint32_t heartbeat_ms, uint32_t reader_timeout_ms,
                                     double first_sequence, uint32_t group, uint32_t access, uint8_t* result) {
    return shielded([&]() -> int32_t {
        std::string service_name;
        std::string stream_name;
        qaultra_ring_options options{};
        options.capacity = capacity;
        options.entry_count = entries;
        options.flags = flags;
        options.heartbeat_interval_ms = heartbeat_ms;
        options.max_subscribers = max_subscribers;
        options.reader_timeout_ms = reader_timeout_ms;
        options.group = group;
        options.access = access;
        int32_t status = check_result(result);
        if (status == QIPC_OK) {
            status = check_name("service", service, service_len, &service_name);
        }
        if (status == QIPC_OK) {
            status = check_name("stream", stream, stream_len, &stream_name);
        }
        if (status == QIPC_OK) {
            status = check_options(options, first_sequence);
        }
        if (status == QIPC_OK) {
            status = check_runtime(runtime);
        }
        if (status != QIPC_OK) {
            return status;
        }
        options.service = service_name.data();
        options.service_bytes = static_cast<uint32_t>(service_name.size());
        options.stream = stream_name.data();
        options.stream_bytes = static_cast<uint32_t>(stream_name.size());
        options.first_sequence = static_cast<uint64_t>(first_sequence);
        ring_remove_remains();
        std::shared_ptr<RingMemory> memory;
        if (status = ring_make(options, &memory); status != QIPC_OK) {
            return status;
        }
        const RingMemory& made = *memory;
        uint32_t handle = 0;
        if (status = take_into_care(runtime, std::move(memory), &handle); status != QIPC_OK) {
            return status;
        }
        std::memset(result, 0, QIPC_RESULT_BYTES);
        std::memcpy(result, &handle, sizeof handle);
        std::memcpy(result + 8, &made.epoch, sizeof made.epoch);
        std::memcpy(result + 48, &made.header->created_ns, sizeof made.header->created_ns);
        write_areas(made, result);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_ring_attach(uint32_t runtime, uint32_t epoch_low, uint32_t epoch_high, uint8_t* result) {
    return shielded([&]() -> int32_t {
        int32_t status = check_result(result);
        if (status == QIPC_OK) {
            status = check_runtime(runtime);
        }
        if (status != QIPC_OK) {
            return status;
        }
        std::shared_ptr<RingMemory> memory;
        status = ring_open(uint64_t{epoch_high} << 32 | epoch_low, &memory);
        const ErrorDetail detail = saved_detail();
        if (status == QIPC_OK && !ring_is_locked(memory->data_file.get())) {
            qaultra_ring_unlink(memory->epoch);
        }
        // After this one was opened, which may be one of them.
        ring_remove_remains();
        if (status != QIPC_OK) {
            restore_detail(detail);
            return status;
        }
        const RingMemory& found = *memory;
        uint32_t handle = 0;
        if (status = take_into_care(runtime, std::move(memory), &handle); status != QIPC_OK) {
            return status;
        }
        const qaultra_ring_identity own = qaultra_ring_identity_self();
        std::memset(result, 0, QIPC_RESULT_BYTES);
        const uint32_t words[2] = {handle, found.is_table_writable ? 1u : 0u};
        const uint64_t identity[2] = {own.start_time, own.pid_namespace};
        std::memcpy(result, words, sizeof words);
        write_areas(found, result);
        std::memcpy(result + 56, &own.pid, sizeof own.pid);
        std::memcpy(result + 64, identity, sizeof identity);
        return QIPC_OK;
    });
}
