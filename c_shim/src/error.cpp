// SPDX-License-Identifier: Apache-2.0
#include "error.hpp"

#include "check.hpp"
#include "export.hpp"
#include "thread.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace qipc {
namespace {

struct StatusName {
    int32_t status;
    const char* name;
};

#define QIPC_STATUS(name) {name, #name}
constexpr StatusName kStatusNames[] = {
    QIPC_STATUS(QIPC_OK),
    QIPC_STATUS(QIPC_NO_DATA),
    QIPC_STATUS(QIPC_NO_CHUNK),
    QIPC_STATUS(QIPC_QUEUE_FULL),
    QIPC_STATUS(QIPC_TIMED_OUT),
    QIPC_STATUS(QIPC_E_INTERNAL),
    QIPC_STATUS(QIPC_E_NULL),
    QIPC_STATUS(QIPC_E_MISALIGNED),
    QIPC_STATUS(QIPC_E_BUFFER_TOO_SMALL),
    QIPC_STATUS(QIPC_E_OPTION),
    QIPC_STATUS(QIPC_E_NAME_EMPTY),
    QIPC_STATUS(QIPC_E_NAME_TOO_LONG),
    QIPC_STATUS(QIPC_E_NAME_INVALID),
    QIPC_STATUS(QIPC_E_BAD_HANDLE),
    QIPC_STATUS(QIPC_E_CLOSED),
    QIPC_STATUS(QIPC_E_WRONG_THREAD),
    QIPC_STATUS(QIPC_E_NAME_IN_USE),
    QIPC_STATUS(QIPC_E_DAEMON_ABSENT),
    QIPC_STATUS(QIPC_E_DAEMON_GONE),
    QIPC_STATUS(QIPC_E_DAEMON_HUNG),
    QIPC_STATUS(QIPC_E_DAEMON_START),
    QIPC_STATUS(QIPC_E_SHM_TOO_SMALL),
    QIPC_STATUS(QIPC_E_OPTIONS_DIFFER),
    QIPC_STATUS(QIPC_E_TOO_MANY_PUBLISHERS),
    QIPC_STATUS(QIPC_E_TOO_MANY_SUBSCRIBERS),
    QIPC_STATUS(QIPC_E_STREAM_FULL),
    QIPC_STATUS(QIPC_E_TOO_MANY_LOANS),
    QIPC_STATUS(QIPC_E_TOO_MANY_HELD),
    QIPC_STATUS(QIPC_E_BLOCK_TOO_LARGE),
    QIPC_STATUS(QIPC_E_NOT_LOANED),
    QIPC_STATUS(QIPC_E_NOT_HELD),
    QIPC_STATUS(QIPC_E_CAPACITY),
    QIPC_STATUS(QIPC_E_HISTORY),
    QIPC_STATUS(QIPC_E_ACCESS),
    QIPC_STATUS(QIPC_E_TOO_MANY_PROCESSES),
    QIPC_STATUS(QIPC_E_TOO_MANY_HANDLES),
    QIPC_STATUS(QIPC_E_FOREIGN_CHUNK),
    QIPC_STATUS(QIPC_E_SYSTEM),
    QIPC_STATUS(QIPC_E_UNSUPPORTED),
    QIPC_STATUS(QIPC_E_TOO_MANY_WAITERS),
    QIPC_STATUS(QIPC_E_VERSION),
    QIPC_STATUS(QIPC_E_RING_GONE),
    QIPC_STATUS(QIPC_E_RING_VERSION),
    QIPC_STATUS(QIPC_E_RING_CORRUPT),
    QIPC_STATUS(QIPC_E_RING_CAPACITY),
    QIPC_STATUS(QIPC_E_RING_ENTRY),
    QIPC_STATUS(QIPC_E_SERVICE_TYPE),
    QIPC_STATUS(QIPC_E_SERVICE_DAMAGED),
};
#undef QIPC_STATUS

/** Where a thread's detail goes when the thread has none of its own (no memory, or its end has begun): read by nobody. */
ErrorDetail g_lost_detail;

ErrorDetail& detail_here() noexcept {
    Thread* thread = thread_current();
    return thread != nullptr ? thread->detail : g_lost_detail;
}

/** What was given may not be UTF-8, and a format may cut it anywhere. */
void make_utf8(char* text, size_t length) noexcept {
    auto* const bytes = reinterpret_cast<uint8_t*>(text);
    for (size_t at = 0; at < length;) {
        const size_t asked = bytes[at] < 0x80 ? 1 : bytes[at] < 0xE0 ? 2 : bytes[at] < 0xF0 ? 3 : 4;
        const bool is_whole = asked <= length - at && is_utf8(bytes + at, asked);
        if (!is_whole) {
            bytes[at] = '?';
        }
        at += is_whole ? asked : 1;
    }
}

} // namespace

int32_t fail(int32_t status, double value, double limit, const char* format, ...) noexcept {
    ErrorDetail& detail = detail_here();
    if (&detail == &g_lost_detail) {
        return status;
    }
    detail.value = value;
    detail.limit = limit;
    va_list arguments;
    va_start(arguments, format);
    const int written = std::vsnprintf(detail.text, sizeof detail.text, format, arguments);
    va_end(arguments);
    const int most = static_cast<int>(sizeof detail.text) - 1;
    detail.text_bytes = written < 0 ? 0u : static_cast<uint32_t>(written < most ? written : most);
    make_utf8(detail.text, detail.text_bytes);
    return status;
}

ErrorDetail saved_detail() noexcept {
    return detail_here();
}

void restore_detail(const ErrorDetail& detail) noexcept {
    ErrorDetail& here = detail_here();
    if (&here != &g_lost_detail) {
        here = detail;
    }
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT uint32_t qipc_abi_version(void) {
    return QIPC_ABI_VERSION;
}

QIPC_EXPORT const char* qipc_status_string(int32_t status) {
    for (const StatusName& entry : kStatusNames) {
        if (entry.status == status) {
            return entry.name;
        }
    }
    return "QIPC_UNKNOWN";
}

QIPC_EXPORT int32_t qipc_error_detail(uint8_t* result, uint8_t* text, uint32_t text_len) {
    // The detail must survive this very call, so a wrong argument is answered by the status alone.
    if (result == nullptr || (text == nullptr && text_len > 0)) {
        return QIPC_E_NULL;
    }
    if (!is_aligned(result)) {
        return QIPC_E_MISALIGNED;
    }
    const Thread* thread = thread_current();
    static const ErrorDetail nothing;
    const ErrorDetail& detail = thread != nullptr ? thread->detail : nothing;
    std::memcpy(result, &detail.value, sizeof detail.value);
    std::memcpy(result + 8, &detail.limit, sizeof detail.limit);
    uint32_t bytes = detail.text_bytes < text_len ? detail.text_bytes : text_len;
    // A text that is cut must still be UTF-8: step back over the rest of a character.
    while (bytes > 0 && bytes < detail.text_bytes && (static_cast<uint8_t>(detail.text[bytes]) & 0xC0u) == 0x80u) {
        --bytes;
    }
    if (bytes > 0) {
        std::memcpy(text, detail.text, bytes);
    }
    return static_cast<int32_t>(bytes);
}
