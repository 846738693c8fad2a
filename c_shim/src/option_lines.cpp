// SPDX-License-Identifier: Apache-2.0
#include "option_lines.hpp"

#include "check.hpp"

#include <cstdlib>
#include <vector>

namespace qipc {

int32_t refuse_option(const std::string& key, const std::string& value, const char* allowed) {
    return fail(QIPC_E_OPTION, 0, 0, "Cannot use the option %.64s=%.64s: %s", key.c_str(), value.c_str(), allowed);
}

int32_t parse_option_number(const std::string& key, const std::string& value, uint64_t least, uint64_t most, uint64_t* out) {
    bool digits = !value.empty() && value.size() <= 19;
    for (const char c : value) {
        digits = digits && c >= '0' && c <= '9';
    }
    if (!digits) {
        return refuse_option(key, value, "it must be a whole number");
    }
    const uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (number < least || number > most) {
        return fail(QIPC_E_OPTION, static_cast<double>(number), static_cast<double>(number < least ? least : most),
                    "Cannot use the option %s=%s: it must be %llu to %llu", key.c_str(), value.c_str(),
                    static_cast<unsigned long long>(least), static_cast<unsigned long long>(most));
    }
    *out = number;
    return QIPC_OK;
}

int32_t read_option_lines(const uint8_t* bytes, uint32_t length, std::string* text, const OptionVisit& visit) {
    if (bytes == nullptr && length > 0) {
        return fail(QIPC_E_NULL, 0, 0, "Cannot read the options: the pointer is null");
    }
    if (length > kOptionBytesMax) {
        return fail(QIPC_E_OPTION, length, kOptionBytesMax, "Cannot read %u bytes of options: the limit is %u", length,
                    kOptionBytesMax);
    }
    if (!is_utf8(bytes, length)) {
        return fail(QIPC_E_OPTION, 0, 0, "Cannot read the options: they are not UTF-8");
    }
    text->assign(reinterpret_cast<const char*>(bytes), length);
    std::vector<std::string> seen;
    size_t at = 0;
    while (at < text->size()) {
        const size_t end = text->find('\n', at);
        if (end == std::string::npos) {
            return fail(QIPC_E_OPTION, 0, 0, "Cannot read the options: the last line does not end with a newline");
        }
        const std::string line = text->substr(at, end - at);
        at = end + 1;
        const size_t equals = line.find('=');
        if (equals == std::string::npos || equals == 0) {
            return fail(QIPC_E_OPTION, 0, 0, "Cannot read the option line \"%.64s\": it must be key=value",
                        line.c_str());
        }
        const std::string key = line.substr(0, equals);
        for (const std::string& other : seen) {
            if (other == key) {
                return fail(QIPC_E_OPTION, 0, 0, "Cannot read the option %.64s: it is given twice", key.c_str());
            }
        }
        seen.push_back(key);
        if (const int32_t status = visit(key, line.substr(equals + 1)); status != QIPC_OK) {
            return status;
        }
    }
    return QIPC_OK;
}

} // namespace qipc
