// SPDX-License-Identifier: Apache-2.0
//
// What the two kinds of ports have in common.
#pragma once

#include "check.hpp"
#include "runtime.hpp"
#include "stream_name.hpp"
#include "window.hpp"

#include "iceoryx_posh/capro/service_description.hpp"
#include "iceoryx_posh/internal/popo/building_blocks/condition_variable_data.hpp"
#include "iceoryx_posh/internal/popo/ports/publisher_port_data.hpp"
#include "iceoryx_posh/internal/popo/ports/subscriber_port_data.hpp"
#include "iceoryx_posh/internal/roudi/port_pool_data.hpp"

#include <cstdint>
#include <cstring>
#include <string>

namespace qipc {

int32_t check_stream_name(const uint8_t* service, uint32_t service_len, const uint8_t* stream, uint32_t stream_len,
                          const uint8_t* event, uint32_t event_len, StreamName* name);

/**
 * True while an element of the daemon's pool is occupied. The daemon keeps each port in an optional of a fixed table; it empties
 * the optional when it removes the port, which it does under a process that was stopped for too long. The flag lies behind
 * the value.
 */
template <typename Data>
inline bool is_occupied(const Data* data) noexcept {
    struct Layout {
        alignas(Data) unsigned char value[sizeof(Data)];
        bool has_value;
    };
    static_assert(sizeof(Layout) == sizeof(iox::cxx::optional<Data>));
    const auto* flag = reinterpret_cast<const unsigned char*>(data) + sizeof(Data);
    return __atomic_load_n(flag, __ATOMIC_RELAXED) == 1;
}

/** Stands for the port of one that was taken from the stack: it is nobody's. */
template <typename PortData>
inline PortData* removed_port() noexcept {
    alignas(PortData) static unsigned char nobody[sizeof(iox::cxx::optional<PortData>)] = {};
    return reinterpret_cast<PortData*>(nobody);
}

inline constexpr uint32_t kPortTagBytes = 16;

/** A name of one subscriber port, random, which the port carries as its node name. */
struct PortTag {
    char text[kPortTagBytes + 1] = {};
};

/** True while the port is still the one that was opened, and not removed or another's in the same place. */
template <typename PortData>
inline bool port_is_ours(const PortData* port, uint64_t unique_id) noexcept {
    return is_occupied(port) && static_cast<uint64_t>(port->m_uniqueId) == unique_id;
}

/**
 * The same for a subscriber port in data calls, by its tag: the port's unique id lies beside the mutex that publishers lock for
 * every block, and a reader that spins on that cache line slows both down (0.25 us a block). The tag lies among its options.
 */
inline bool port_is_ours(const iox::popo::SubscriberPortData* port, const PortTag& tag) noexcept {
    return is_occupied(port) && std::memcmp(port->m_options.nodeName.c_str(), tag.text, kPortTagBytes) == 0;
}

/** The status of a call on a port that the daemon has removed. */
int32_t refuse_removed_port() noexcept;

/** The status of a call that the closed gate refused. */
int32_t refuse_closed_gate() noexcept;

/** QIPC_E_INTERNAL with what iceoryx reported. */
int32_t refuse_stack_error(const char* call) noexcept;

/**
 * The status of a data call that iceoryx cannot refuse: QIPC_OK unless it reported an error on the way. Of a process that was stopped
 * in the middle of the call the daemon may have removed the port meanwhile: then that is the reason.
 */
template <typename PortData, typename Mark>
inline int32_t after_call(const char* call, const PortData* port, const Mark& mark) noexcept {
    if (__builtin_expect(t_stack_error == 0, 1)) {
        return QIPC_OK;
    }
    const int32_t status = refuse_stack_error(call);
    return port_is_ours(port, mark) ? status : refuse_removed_port();
}

/** True while the world's sentinel is still this process's. */
bool sentinel_holds(const World& world) noexcept;

} // namespace qipc
