// SPDX-License-Identifier: Apache-2.0
#include "exit.hpp"

#include "export.hpp"
#include "handle.hpp"
#include "ring.hpp"
#include "ring_wait.hpp"

#include <unistd.h>

#include <cstdlib>
#include <mutex>

namespace qipc {

std::atomic<bool> g_exiting{false};

namespace {

/** The process that everything was opened in. */
pid_t g_process = 0;

void on_atexit() {
    // A child that was forked and never became another program has none of it, and must not end its parent's.
    if (getpid() == g_process) {
        process_exit();
    }
}

} // namespace

void process_exit() noexcept {
    if (g_exiting.exchange(true)) {
        return;
    }
    // First, while it can still be asked who wants to read a ring to its end.
    rings_end_at_exit();
    ring_waits_end();
    stack_leave_at_exit();
    handle_each([](uint32_t handle, Kind, void*) { handle_free(handle); });
    stack_left_at_exit();
}

void register_process_exit() noexcept {
    static std::once_flag once;
    std::call_once(once, [] {
        g_process = getpid();
        std::atexit(on_atexit);
    });
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_process_exit(void) {
    process_exit();
    return QIPC_OK;
}
