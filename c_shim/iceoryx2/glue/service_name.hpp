// SPDX-License-Identifier: Apache-2.0
//
// How a stream is named as a service of iceoryx2: "<service>/<stream>/<event>", the event being left out for the blocks themselves.
// Bytes that would be read otherwise there are written as in URLs ("%2F").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace qipc {

struct StreamName;

/** The longest name that iceoryx2 takes. */
inline constexpr uint32_t kServiceNameBytesMax = 255;

std::string service_name_of(const StreamName& name);

/** The parts of a service's name; false when it is none that a stream can have. */
bool stream_name_of(std::string_view service_name, StreamName* name);

} // namespace qipc
