// SPDX-License-Identifier: Apache-2.0
//
// The calling thread's last error: a status, the offending value, the limit and a text.
#pragma once

#include "qaultra_ipc/qipc.h"

#include <cstdint>

namespace qipc {

/** Records the detail of an error for qipc_error_detail and returns `status`. */
int32_t fail(int32_t status, double value, double limit, const char* format, ...) noexcept
    __attribute__((format(printf, 4, 5), cold));

/** The bytes that a text of an error may have; a longer one is cut. */
inline constexpr uint32_t kErrorTextBytesMax = 512;

struct ErrorDetail {
    double value = 0;
    double limit = 0;
    uint32_t text_bytes = 0;
    char text[kErrorTextBytesMax] = {};
};

/** The calling thread's detail as it is now, to be given to restore_detail later, possibly by another call. */
ErrorDetail saved_detail() noexcept;
void restore_detail(const ErrorDetail& detail) noexcept;

} // namespace qipc
