// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include "check.hpp"

namespace qipc {
namespace {

int32_t check_length(const std::string& key, const std::string& value, uint32_t most) {
    if (value.empty()) {
        return refuse_option(key, value, "it must not be empty");
    }
    return value.size() <= most ? QIPC_OK
                                : fail(QIPC_E_OPTION, static_cast<double>(value.size()), most,
                                       "Cannot use the option %s of %zu bytes: the limit is %u", key.c_str(), value.size(), most);
}

int32_t parse_root(const std::string& value, std::string* root) {
    if (value[0] != '/') {
        return refuse_option("root", value, "it must be an absolute path");
    }
    *root = value;
    return check_length("root", value, kRootBytesMax);
}

int32_t parse_prefix(const std::string& value, std::string* prefix) {
    for (const char c : value) {
        const bool is_taken =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_taken) {
            return refuse_option("prefix", value, "it must be of letters, digits, '_' and '-'");
        }
    }
    *prefix = value;
    return check_length("prefix", value, kPrefixBytesMax);
}

int32_t parse_count(const std::string& key, const std::string& value, uint32_t most, uint32_t* count) {
    uint64_t number = 0;
    const int32_t status = parse_option_number(key, value, 1, most, &number);
    *count = static_cast<uint32_t>(number);
    return status;
}

int32_t parse_option(const std::string& key, const std::string& value, Options* options) {
    if (key == "name") {
        options->name = value;
        return check_runtime_name(value);
    }
    if (key == "root") {
        return parse_root(value, &options->root);
    }
    if (key == "prefix") {
        return parse_prefix(value, &options->prefix);
    }
    if (key == "type_name") {
        options->type_name = value;
        return check_length(key, value, kTypeNameBytesMax);
    }
    if (key == "timeout_ms") {
        return parse_count(key, value, kTimeoutMsMax, &options->timeout_ms);
    }
    if (key == "publishers_max") {
        return parse_count(key, value, kPublishersMaxMax, &options->publishers_max);
    }
    if (key == "subscribers_max") {
        return parse_count(key, value, kSubscribersMaxMax, &options->subscribers_max);
    }
    if (key == "nodes_max") {
        return parse_count(key, value, kNodesMaxMax, &options->nodes_max);
    }
    return refuse_option(key, value, "iceoryx2 has no such option");
}

} // namespace

int32_t parse_options(const uint8_t* bytes, uint32_t length, Options* options) {
    return read_option_lines(bytes, length, &options->text, [options](const std::string& key, const std::string& value) {
        return parse_option(key, value, options);
    });
}

} // namespace qipc
