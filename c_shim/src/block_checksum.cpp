// SPDX-License-Identifier: Apache-2.0
//
// The checksums of blocks, for scripts: the instruction in one call.
#include "qaultra_ipc/block_checksum.h"

#include "check.hpp"
#include "export.hpp"
#include "qaultra_ipc/qipc.h"

using namespace qipc;

QIPC_EXPORT int32_t qipc_block_seal(uint8_t* memory, uint32_t offset, uint32_t sequence_low, uint32_t sequence_high) {
    if (memory == nullptr || !is_aligned(memory + offset)) {
        return refuse_result(memory == nullptr ? nullptr : memory + offset);
    }
    const uint64_t sequence = static_cast<uint64_t>(sequence_high) << 32 | sequence_low;
    qaultra_block_seal(reinterpret_cast<qaultra_market_data_block*>(memory + offset), sequence);
    return QIPC_OK;
}

QIPC_EXPORT int32_t qipc_block_check(const uint8_t* memory, uint32_t offset) {
    if (memory == nullptr || !is_aligned(memory + offset)) {
        return refuse_result(memory == nullptr ? nullptr : memory + offset);
    }
    return qaultra_block_check(reinterpret_cast<const qaultra_market_data_block*>(memory + offset));
}
