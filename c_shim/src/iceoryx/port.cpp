// SPDX-License-Identifier: Apache-2.0
#include "port.hpp"

#include "iceoryx_hoofs/error_handling/error_handling.hpp"

namespace qipc {

namespace {

/** The stack separates the parts of its messages by commas and does not quote them. */
int32_t check_part(const char* what, const uint8_t* bytes, uint32_t length, std::string* name) {
    const int32_t status = check_name(what, bytes, length, name);
    const size_t comma = status == QIPC_OK ? name->find(',') : std::string::npos;
    if (comma == std::string::npos) {
        return status;
    }
    return fail(QIPC_E_NAME_INVALID, 0, 0,
                "Cannot use the %s name \"%s\": it has a comma at byte %zu, which iceoryx cannot carry", what, name->c_str(),
                comma);
}

} // namespace

int32_t check_stream_name(const uint8_t* service, uint32_t service_len, const uint8_t* stream, uint32_t stream_len,
                          const uint8_t* event, uint32_t event_len, StreamName* name) {
    int32_t status = check_part("service", service, service_len, &name->service);
    if (status == QIPC_OK) {
        status = check_part("stream", stream, stream_len, &name->stream);
    }
    if (status == QIPC_OK) {
        status = check_part("event", event, event_len, &name->event);
    }
    return status;
}

int32_t refuse_removed_port() noexcept {
    return fail(QIPC_E_DAEMON_GONE, 0, 0,
                "The daemon removed this port: it took this process for dead, which was stopped for too long");
}

int32_t refuse_closed_gate() noexcept {
    return fail(QIPC_E_CLOSED, 0, 0, "Cannot call the stack: this process is ending");
}

int32_t refuse_stack_error(const char* call) noexcept {
    const iox::Error error = stack_take_error();
    return fail(QIPC_E_INTERNAL, static_cast<double>(error), 0, "The stack reported %s in %s", stack_error_name(error),
                call);
}

bool sentinel_holds(const World& world) noexcept {
    const iox::popo::ConditionVariableData* sentinel = world.sentinel;
    return is_occupied(sentinel) && !sentinel->m_toBeDestroyed.load(std::memory_order_relaxed)
           && world.name == sentinel->m_runtimeName.c_str();
}

} // namespace qipc
