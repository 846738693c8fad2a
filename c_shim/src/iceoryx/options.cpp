// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include "check.hpp"
#include "group.hpp"
#include "option_lines.hpp"

namespace qipc {
namespace {

int32_t parse_group(const std::string& key, const std::string& value, std::string* out) {
    if (!is_group_name(value)) {
        return refuse_option(key, value, "it must be the name of a group, up to 32 letters, digits, '_', '-' and '.'");
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
        return options->spawn || value == "require" ? QIPC_OK : refuse_option(key, value, "it must be require or spawn");
    }
    if (key == "daemon_keep") {
        status = parse_option_number(key, value, 0, 1, &number);
        options->daemon_keep = number == 1;
        return status;
    }
    if (key == "pool_bytes") {
        return parse_option_number(key, value, 1, kPoolBytesMax, &options->pool_bytes);
    }
    if (key == "timeout_ms") {
        status = parse_option_number(key, value, 1, kTimeoutMsMax, &number);
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
        return refuse_option(key, value, "it must be off, error, warning, info or debug");
    }
    if (key == "access_readers") {
        return parse_group(key, value, &options->readers);
    }
    if (key == "access_writers") {
        return parse_group(key, value, &options->writers);
    }
    return refuse_option(key, value, "there is no such option");
}

} // namespace

int32_t parse_options(const uint8_t* bytes, uint32_t length, Options* options) {
    return read_option_lines(bytes, length, &options->text, [options](const std::string& key, const std::string& value) {
        return parse_option(key, value, options);
    });
}

} // namespace qipc
