// SPDX-License-Identifier: Apache-2.0
#include "exit.hpp"

#include "runtime.hpp"
#include "watch.hpp"

namespace qipc {

int32_t refuse_after_exit() noexcept {
    return fail(QIPC_E_CLOSED, 0, 0, "Cannot do this any more: this process has ended its runtime for good");
}

void stack_leave_at_exit() noexcept {
    watch_end_all();
    runtime_end_at_exit();
}

void stack_left_at_exit() noexcept {}

} // namespace qipc
