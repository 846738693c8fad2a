// SPDX-License-Identifier: Apache-2.0
//
// The files of rings: their names, making them and finding them.
#pragma once

#include "ring_memory.hpp"

#include <memory>

namespace qipc {

struct RingPath {
    char text[QAULTRA_RING_PATH_BYTES];
};

enum class RingFile { data, table };

RingPath ring_path(RingFile file, uint64_t epoch) noexcept;

/** Takes a file's name apart; false when it is not exactly one that ring_path makes. */
bool ring_parse_name(const char* name, RingFile* file, uint64_t* epoch) noexcept;

/** Makes a ring of this process: complete, locked and then named. The options were checked; the epoch is chosen here. */
int32_t ring_make(qaultra_ring_options options, std::shared_ptr<RingMemory>* out);

/** Maps the ring of this epoch, after its headers were compared with its files. */
int32_t ring_open(uint64_t epoch, std::shared_ptr<RingMemory>* out);

} // namespace qipc
