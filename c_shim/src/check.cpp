// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

namespace qipc {

int32_t refuse_result(const void* result) noexcept {
    if (result == nullptr) {
        return fail(QIPC_E_NULL, 0, 0, "Cannot write the result: the buffer is null");
    }
    const double address = static_cast<double>(reinterpret_cast<uintptr_t>(result));
    return fail(QIPC_E_MISALIGNED, address, 8, "Cannot write the result: the buffer at %p is not aligned to 8 bytes",
                result);
}

bool is_utf8(const uint8_t* bytes, size_t length) noexcept {
    size_t i = 0;
    while (i < length) {
        const uint8_t lead = bytes[i];
        size_t more = 0;
        uint32_t code = 0;
        if (lead < 0x80) {
            ++i;
            continue;
        } else if (lead >= 0xC2 && lead <= 0xDF) {
            more = 1;
            code = lead & 0x1Fu;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            more = 2;
            code = lead & 0x0Fu;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            more = 3;
            code = lead & 0x07u;
        } else {
            return false;
        }
        if (length - i <= more) {
            return false;
        }
        for (size_t k = 1; k <= more; ++k) {
            if ((bytes[i + k] & 0xC0u) != 0x80u) {
                return false;
            }
            code = (code << 6) | (bytes[i + k] & 0x3Fu);
        }
        const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
        const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        if (overlong || surrogate || code > 0x10FFFF) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

namespace {

/** The offset of the first control character (C0, DEL, or C1 as UTF-8), or -1. */
int32_t control_character_at(const uint8_t* bytes, size_t length) noexcept {
    for (size_t i = 0; i < length; ++i) {
        const bool c1 = bytes[i] == 0xC2 && i + 1 < length && bytes[i + 1] >= 0x80 && bytes[i + 1] <= 0x9F;
        if (bytes[i] < 0x20 || bytes[i] == 0x7F || c1) {
            return static_cast<int32_t>(i);
        }
    }
    return -1;
}

} // namespace

int32_t check_name(const char* what, const uint8_t* bytes, uint32_t length, std::string* name) {
    if (length == 0) {
        return fail(QIPC_E_NAME_EMPTY, 0, QIPC_NAME_BYTES_MAX, "Cannot use an empty %s name", what);
    }
    if (bytes == nullptr) {
        return fail(QIPC_E_NULL, 0, 0, "Cannot read the %s name: the pointer is null", what);
    }
    if (length > QIPC_NAME_BYTES_MAX) {
        return fail(QIPC_E_NAME_TOO_LONG, length, QIPC_NAME_BYTES_MAX,
                    "Cannot use a %s name of %u bytes: the limit is %u bytes of UTF-8", what, length,
                    QIPC_NAME_BYTES_MAX);
    }
    if (!is_utf8(bytes, length)) {
        return fail(QIPC_E_NAME_INVALID, 0, 0, "Cannot use a %s name that is not UTF-8", what);
    }
    const int32_t at = control_character_at(bytes, length);
    if (at >= 0) {
        return fail(QIPC_E_NAME_INVALID, at, 0, "Cannot use a %s name with the control character 0x%02x at byte %d",
                    what, bytes[at], at);
    }
    name->assign(reinterpret_cast<const char*>(bytes), length);
    return QIPC_OK;
}

int32_t check_runtime_name(const std::string& name) {
    std::string same;
    const int32_t status = check_name("runtime", reinterpret_cast<const uint8_t*>(name.data()),
                                      static_cast<uint32_t>(name.size()), &same);
    if (status != QIPC_OK) {
        return status;
    }
    // It becomes the name of a socket and of a lock, which the stack makes of these characters alone.
    for (size_t at = 0; at < name.size(); ++at) {
        const char c = name[at];
        const bool is_taken = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                              c == '-' || c == ':' || (c == '.' && at + 1 < name.size());
        if (!is_taken) {
            return fail(QIPC_E_NAME_INVALID, 0, 0,
                        "Cannot use the runtime name \"%s\" because of its byte %zu: letters, digits, '_', '-', ':' and '.' "
                        "(not at the end) make one",
                        name.c_str(), at);
        }
    }
    return QIPC_OK;
}

} // namespace qipc
