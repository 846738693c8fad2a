// SPDX-License-Identifier: Apache-2.0
//
// Checks of arguments, made before anything else is touched. Each returns QIPC_OK or the status to return.
#pragma once

#include "error.hpp"

#include <cstdint>
#include <string>

namespace qipc {

inline bool is_aligned(const void* pointer) noexcept {
    return (reinterpret_cast<uintptr_t>(pointer) & 7u) == 0;
}

int32_t refuse_result(const void* result) noexcept;

/** A result buffer: not null, aligned to 8. */
inline int32_t check_result(const void* result) noexcept {
    return __builtin_expect(result != nullptr && is_aligned(result), 1) ? QIPC_OK : refuse_result(result);
}

/** A name of 1 to QIPC_NAME_BYTES_MAX bytes of UTF-8 without control characters; `what` names it in the text. */
int32_t check_name(const char* what, const uint8_t* bytes, uint32_t length, std::string* name);

/** The same, and fit to be part of a path. */
int32_t check_runtime_name(const std::string& name);

/** True when the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool is_utf8(const uint8_t* bytes, size_t length) noexcept;

} // namespace qipc
