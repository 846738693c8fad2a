// SPDX-License-Identifier: Apache-2.0
#include "service_name.hpp"

#include "check.hpp"
#include "port.hpp"

#include <vector>

namespace qipc {
namespace {

constexpr char kDigits[] = "0123456789ABCDEF";

bool is_plain(char c) noexcept {
    return c >= ' ' && c < '\x7f' && c != '/' && c != '%';
}

std::string encoded(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (is_plain(c)) {
            out += c;
        } else {
            const auto byte = static_cast<uint8_t>(c);
            out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return out;
}

int value_of(char digit) noexcept {
    const char* const end = kDigits + 16;
    for (const char* at = kDigits; at != end; ++at) {
        if (*at == digit) {
            return static_cast<int>(at - kDigits);
        }
    }
    return -1;
}

/** Of a name that was not made here a "%" may stand for itself. */
std::string decoded(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        const bool is_code =
            text[at] == '%' && at + 2 < text.size() && value_of(text[at + 1]) >= 0 && value_of(text[at + 2]) >= 0;
        if (is_code) {
            out += static_cast<char>(value_of(text[at + 1]) * 16 + value_of(text[at + 2]));
            at += 2;
        } else {
            out += text[at];
        }
    }
    return out;
}

bool is_name(const std::string& text) noexcept {
    return !text.empty() && text.size() <= QIPC_NAME_BYTES_MAX &&
           is_utf8(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

} // namespace

std::string service_name_of(const StreamName& name) {
    const std::string stream = encoded(name.service) + '/' + encoded(name.stream);
    return name.event == kDataEvent ? stream : stream + '/' + encoded(name.event);
}

bool stream_name_of(std::string_view service_name, StreamName* name) {
    std::vector<std::string> parts;
    size_t at = 0;
    for (size_t slash = 0; slash != std::string_view::npos; at = slash + 1) {
        slash = service_name.find('/', at);
        parts.push_back(decoded(service_name.substr(at, slash == std::string_view::npos ? slash : slash - at)));
    }
    if (parts.size() == 2) {
        parts.emplace_back(kDataEvent);
    }
    if (parts.size() != 3 || !is_name(parts[0]) || !is_name(parts[1]) || !is_name(parts[2])) {
        return false;
    }
    *name = {parts[0], parts[1], parts[2]};
    return true;
}

} // namespace qipc
