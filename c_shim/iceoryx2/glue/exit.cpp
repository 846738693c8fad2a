// SPDX-License-Identifier: Apache-2.0
#include "exit.hpp"

#include "export.hpp"
#include "ring.hpp"
#include "ring_wait.hpp"
#include "runtime.hpp"
#include "watch.hpp"

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

int32_t refuse_after_exit() noexcept {
    return fail(QIPC_E_CLOSED, 0, 0, "Cannot do this any more: this process has ended its runtime for good");
}

void process_exit() noexcept {
    if (g_exiting.exchange(true)) {
        return;
    }
    // First, while it can still be asked who wants to read a ring to its end.
    rings_end_at_exit();
    ring_waits_end();
    watch_end_all();
    runtime_end_at_exit();
    handle_each([](uint32_t handle, Kind, void*) { handle_free(handle); });
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
