// SPDX-License-Identifier: Apache-2.0
//
// Text from scripts and from folders: options, names of streams, runtimes, groups and files.
#include "input.hpp"

#include "check.hpp"
#include "group.hpp"
#include "options.hpp"
#include "ring_file.hpp"

#include "qaultra_ipc/qipc.h"

using namespace qipc;
using fuzz::Exact;
using fuzz::Input;

namespace {

/** The text that fail() left, which is whole UTF-8 when it is asked for as the ABI says. */
void check_detail(int32_t status, uint32_t text_bytes) {
    HOLDS(std::strcmp(qipc_status_string(status), "QIPC_UNKNOWN") != 0);
    HOLDS(status != QIPC_E_INTERNAL);
    const Exact result(QIPC_RESULT_BYTES);
    const Exact text(text_bytes);
    const int32_t length = qipc_error_detail(result.bytes(), text.bytes(), text_bytes);
    HOLDS(length >= 0 && static_cast<uint32_t>(length) <= text_bytes);
    HOLDS(is_utf8(text.bytes(), static_cast<size_t>(length)));
    HOLDS(text_bytes < 4 || length > 0);
}

/** One code point written again in the one way that UTF-8 allows; nothing for those that it does not. */
std::string encode(uint32_t code) {
    std::string bytes;
    if (code < 0x80) {
        bytes += static_cast<char>(code);
    } else if (code < 0x800) {
        bytes += static_cast<char>(0xC0 | code >> 6);
        bytes += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000 && (code < 0xD800 || code > 0xDFFF)) {
        bytes += static_cast<char>(0xE0 | code >> 12);
        bytes += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        bytes += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code >= 0x10000 && code <= 0x10FFFF) {
        bytes += static_cast<char>(0xF0 | code >> 18);
        bytes += static_cast<char>(0x80 | (code >> 12 & 0x3F));
        bytes += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        bytes += static_cast<char>(0x80 | (code & 0x3F));
    }
    return bytes;
}

/** The same question as is_utf8 answers, asked the other way round: are these bytes what some code points are written as? */
bool is_writing(const std::string& text) {
    size_t at = 0;
    while (at < text.size()) {
        const auto lead = static_cast<uint8_t>(text[at]);
        const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (at + length > text.size()) {
            return false;
        }
        uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
        for (size_t i = 1; i < length; ++i) {
            code = code << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3Fu);
        }
        if (encode(code) != text.substr(at, length)) {
            return false;
        }
        at += length;
    }
    return true;
}

void options_from(const std::string& text) {
    const Exact bytes(text);
    Options options;
    const int32_t status = parse_options(bytes.bytes(), static_cast<uint32_t>(text.size()), &options);
    if (status != QIPC_OK) {
        HOLDS(status == QIPC_E_OPTION || (status <= QIPC_E_NAME_EMPTY && status >= QIPC_E_NAME_INVALID));
        check_detail(status, 600);
        return;
    }
    HOLDS(options.text == text && is_writing(text));
    HOLDS(options.pool_bytes >= 1 && options.pool_bytes <= kPoolBytesMax);
    HOLDS(options.timeout_ms >= 1 && options.timeout_ms <= kTimeoutMsMax);
    HOLDS(options.log <= LogLevel::debug);
    HOLDS(options.name.empty() || check_runtime_name(options.name) == QIPC_OK);
    HOLDS(options.name.find('/') == std::string::npos);
    HOLDS(options.readers.empty() || is_group_name(options.readers));
    HOLDS(options.writers.empty() || is_group_name(options.writers));
}

void name_from(const std::string& text) {
    const Exact bytes(text);
    std::string name = "before";
    const int32_t status = check_name("stream", bytes.bytes(), static_cast<uint32_t>(text.size()), &name);
    HOLDS(is_utf8(bytes.bytes(), text.size()) == is_writing(text));
    if (status == QIPC_OK) {
        HOLDS(name == text && !name.empty() && name.size() <= QIPC_NAME_BYTES_MAX && is_writing(name));
        HOLDS(name.find('\0') == std::string::npos && name.find('\n') == std::string::npos);
    } else {
        HOLDS(name == "before");
        check_detail(status, 600);
    }
    if (check_runtime_name(text) == QIPC_OK) {
        HOLDS(status == QIPC_OK && text.find('/') == std::string::npos && text != "." && text != "..");
    } else {
        check_detail(QIPC_E_NAME_INVALID, static_cast<uint32_t>(text.size()));
    }
}

void group_from(const std::string& text) {
    const Exact bytes(text);
    const Exact result(QIPC_RESULT_BYTES);
    const int32_t status = qipc_group_id(bytes.bytes(), static_cast<uint32_t>(text.size()), result.bytes());
    if (status != QIPC_OK) {
        HOLDS(status == QIPC_E_OPTION);
        check_detail(status, 600);
    }
    HOLDS(status != QIPC_OK || is_group_name(text));
}

void file_from(const std::string& text) {
    RingFile kind = RingFile::data;
    uint64_t epoch = 0;
    const Exact bytes(text + '\0');
    const char* const name = reinterpret_cast<const char*>(bytes.bytes());
    if (!ring_parse_name(name, &kind, &epoch)) {
        return;
    }
    HOLDS(epoch != 0);
    HOLDS(std::string(QAULTRA_RING_FOLDER "/") + name == ring_path(kind, epoch).text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
    Input input(bytes, length);
    const uint8_t kind = input.byte();
    switch (kind % 4) {
    case 0:
        options_from(input.rest());
        break;
    case 1:
        name_from(input.rest());
        break;
    case 2:
        group_from(input.rest());
        break;
    default:
        file_from(input.rest());
    }
    return 0;
}
