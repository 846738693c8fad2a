// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include "check.hpp"
#include "group.hpp"

#include <cerrno>
#include <cstdlib>
#include <vector>

namespace qipc {
namespace {

int32_t refuse(const std::string& key, const std::string& value, const char* allowed) {
    return fail(QIPC_E_OPTION, 0, 0, "Cannot use the option %.64s=%.64s: %s", key.c_str(), value.c_str(), allowed);
}

int32_t parse_number(const std::string& key, const std::string& value, uint64_t least, uint64_t most, uint64_t* out) {
    bool digits = !value.empty() && value.size() <= 19;
    for (const char c : value) {
        digits = digits && c >= '0' && c <= '9';
    }
    if (!digits) {
        return refuse(key, value, "it must be a whole number");
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

int32_t parse_group(const std::string& key, const std::string& value, std::string* out) {
    if (!is_group_name(value)) {
        return refuse(key, value, "it must be the name of a group, up to 32 letters, digits, '_', '-' and '.'");
    }
    *out = value;
    return QIPC_OK;
}

int32_t parse_option(const std::string& key, const std::string& value, Options* options) {
    uint64_t number = 0;
    int32_t status = QIPC_OK;
    if (key == "name") {
        options->name = value;
        return check_runtime_name(value);
    }
    if (key == "daemon") {
        options->spawn = value == "spawn";
        return options->spawn || value == "require" ? QIPC_OK : refuse(key, value, "it must be require or spawn");
    }
    if (key == "daemon_keep") {
        status = parse_number(key, value, 0, 1, &number);
        options->daemon_keep = number == 1;
        return status;
    }
    if (key == "pool_bytes") {
        return parse_number(key, value, 1, kPoolBytesMax, &options->pool_bytes);
    }
    if (key == "timeout_ms") {
        status = parse_number(key, value, 1, kTimeoutMsMax, &number);
        options->timeout_ms = static_cast<uint32_t>(number);
        return status;
    }
    if (key == "log") {
        constexpr const char* names[] = {"off", "error", "warning", "info", "debug"};
        for (uint32_t level = 0; level < 5; ++level) {
            if (value == names[level]) {
                options->log = static_cast<LogLevel>(level);
                return QIPC_OK;
            }
        }
        return refuse(key, value, "it must be off, error, warning, info or debug");
    }
    if (key == "access_readers") {
        return parse_group(key, value, &options->readers);
    }
    if (key == "access_writers") {
        return parse_group(key, value, &options->writers);
    }
    return refuse(key, value, "there is no such option");
}

} // namespace

int32_t parse_options(const uint8_t* bytes, uint32_t length, Options* options) {
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
    options->text.assign(reinterpret_cast<const char*>(bytes), length);
    std::vector<std::string> seen;
    size_t at = 0;
    while (at < options->text.size()) {
        const size_t end = options->text.find('\n', at);
        if (end == std::string::npos) {
            return fail(QIPC_E_OPTION, 0, 0, "Cannot read the options: the last line does not end with a newline");
        }
        const std::string line = options->text.substr(at, end - at);
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
        if (const int32_t status = parse_option(key, line.substr(equals + 1), options); status != QIPC_OK) {
            return status;
        }
    }
    return QIPC_OK;
}

} // namespace qipc
