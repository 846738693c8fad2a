// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "publisher.hpp"

namespace qipc {

/** The status of a loan that iceoryx refused. */
int32_t refuse_loan(const Publisher& publisher, iox_AllocationResult outcome) noexcept;

} // namespace qipc
