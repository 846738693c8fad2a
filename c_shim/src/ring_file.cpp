// SPDX-License-Identifier: Apache-2.0
#include "ring_file.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace qipc {

RingPath ring_path(RingFile file, uint64_t epoch) noexcept {
    RingPath path;
    qaultra_ring_path(path.text, file == RingFile::data ? QAULTRA_RING_DATA_PREFIX : QAULTRA_RING_TABLE_PREFIX, epoch);
    return path;
}

bool ring_parse_name(const char* name, RingFile* file, uint64_t* epoch) noexcept {
    constexpr std::string_view kData = QAULTRA_RING_DATA_PREFIX;
    constexpr std::string_view kTable = QAULTRA_RING_TABLE_PREFIX;
    constexpr size_t kDigits = 16;
    std::string_view digits = name;
    if (digits.substr(0, kData.size()) == kData) {
        *file = RingFile::data;
        digits.remove_prefix(kData.size());
    } else if (digits.substr(0, kTable.size()) == kTable) {
        *file = RingFile::table;
        digits.remove_prefix(kTable.size());
    } else {
        return false;
    }
    if (digits.size() != kDigits || digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return false;
    }
    return std::sscanf(digits.data(), "%" SCNx64, epoch) == 1 && *epoch != 0;
}

} // namespace qipc
