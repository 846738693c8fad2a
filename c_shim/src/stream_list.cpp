// SPDX-License-Identifier: Apache-2.0
#include "stream_list.hpp"

#include "error.hpp"

#include <cstring>

namespace qipc {
namespace {

constexpr uint32_t kEntryHeaderBytes = 20;

uint32_t entry_bytes(const StreamCount& stream) {
    const size_t names = stream.name.service.size() + stream.name.stream.size() + stream.name.event.size();
    return (kEntryHeaderBytes + static_cast<uint32_t>(names) + 7u) & ~7u;
}

void write_entry(const StreamCount& stream, uint8_t* entry) {
    const uint32_t bytes = entry_bytes(stream);
    const uint32_t words[3] = {bytes, stream.publishers, stream.subscribers};
    const uint16_t lengths[4] = {static_cast<uint16_t>(stream.name.service.size()),
                                 static_cast<uint16_t>(stream.name.stream.size()),
                                 static_cast<uint16_t>(stream.name.event.size()),
                                 static_cast<uint16_t>(stream.lossy_publishers)};
    std::memset(entry, 0, bytes);
    std::memcpy(entry, words, sizeof words);
    std::memcpy(entry + 12, lengths, sizeof lengths);
    uint8_t* at = entry + kEntryHeaderBytes;
    for (const std::string* name : {&stream.name.service, &stream.name.stream, &stream.name.event}) {
        std::memcpy(at, name->data(), name->size());
        at += name->size();
    }
}

} // namespace
int32_t write_streams(const std::vector<StreamCount>& streams, uint8_t* buffer, uint32_t buffer_len, uint8_t* result) {
    uint32_t needed = 0;
    for (const StreamCount& stream : streams) {
        needed += entry_bytes(stream);
    }
    uint32_t words[2] = {0, needed};
    if (needed > buffer_len) {
        std::memcpy(result, words, sizeof words);
        return fail(QIPC_E_BUFFER_TOO_SMALL, buffer_len, needed,
                    "Cannot list %zu streams in %u bytes: %u are needed", streams.size(), buffer_len, needed);
    }
    uint8_t* at = buffer;
    for (const StreamCount& stream : streams) {
        write_entry(stream, at);
        at += entry_bytes(stream);
    }
    words[0] = static_cast<uint32_t>(streams.size());
    std::memcpy(result, words, sizeof words);
    return QIPC_OK;
}

} // namespace qipc
