// SPDX-License-Identifier: Apache-2.0
#include "exit.hpp"

#include "close.hpp"
#include "export.hpp"
#include "parking.hpp"
#include "publisher.hpp"
#include "ring.hpp"
#include "ring_wait.hpp"
#include "runtime.hpp"
#include "signals.hpp"
#include "subscriber.hpp"
#include "waiter.hpp"

#include <unistd.h>

#include <cstdlib>
#include <mutex>

namespace qipc {

std::atomic<bool> g_exiting{false};

namespace {

/** How long the end of the process waits for the daemon. */
constexpr uint32_t kGoodbyeMs = 1000;

/** Takes every port from the stack. The objects stay: a thread that runs on may still look at one before it is told. */
void destroy_all() {
    handle_each([](uint32_t, Kind kind, void* object) {
        if (kind == Kind::subscriber) {
            subscriber_destroy_port(*static_cast<Subscriber*>(object));
        } else if (kind == Kind::publisher) {
            publisher_destroy_port(*static_cast<Publisher*>(object));
        }
    });
}

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
    return fail(QIPC_E_CLOSED, 0, 0, "Cannot ask the daemon for anything: this process has disconnected for good");
}

void process_exit() noexcept {
    if (g_exiting.exchange(true)) {
        return;
    }
    // First, while it can still be asked who wants to read a ring to its end.
    rings_end_at_exit();
    ring_waits_end();
    const bool none_parked = wake_parked_threads(QIPC_SIGNAL_DEFER_MS_MAX);
    const bool none_inside = gate_close(QIPC_SIGNAL_DEFER_MS_MAX);
    if (none_parked && none_inside) {
        runtime_disconnect_at_exit(kGoodbyeMs, destroy_all);
    }
    // Otherwise a thread is inside the stack and its memory must stay; the daemon notices the end of this process.
    handle_each([](uint32_t handle, Kind, void*) { handle_free(handle); });
    signals_uninstall();
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
