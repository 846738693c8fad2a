// SPDX-License-Identifier: Apache-2.0
//
// The option text of qipc_runtime_open: lines "key=value\n". Which keys there are is up to the stack.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace qipc {

inline constexpr uint32_t kTimeoutMsMax = 60000;
inline constexpr uint32_t kOptionBytesMax = 4096;

using OptionVisit = std::function<int32_t(const std::string& key, const std::string& value)>;

/** Visits each line; QIPC_OK, or the status to return: of a text that is malformed, of a key that is repeated, or the visit's own. `text`
 * becomes the whole of it. */
int32_t read_option_lines(const uint8_t* bytes, uint32_t length, std::string* text, const OptionVisit& visit);

/** QIPC_E_OPTION in words that say what is allowed. */
int32_t refuse_option(const std::string& key, const std::string& value, const char* allowed);

/** A whole number within these bounds. */
int32_t parse_option_number(const std::string& key, const std::string& value, uint64_t least, uint64_t most, uint64_t* out);

} // namespace qipc
