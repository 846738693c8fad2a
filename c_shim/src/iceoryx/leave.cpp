// SPDX-License-Identifier: Apache-2.0
#include "exit.hpp"

#include "close.hpp"
#include "parking.hpp"
#include "publisher.hpp"
#include "runtime.hpp"
#include "signals.hpp"
#include "subscriber.hpp"

namespace qipc {
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

} // namespace

int32_t refuse_after_exit() noexcept {
    return fail(QIPC_E_CLOSED, 0, 0, "Cannot ask the daemon for anything: this process has disconnected for good");
}

void stack_leave_at_exit() noexcept {
    const bool none_parked = wake_parked_threads(QIPC_SIGNAL_DEFER_MS_MAX);
    const bool none_inside = gate_close(QIPC_SIGNAL_DEFER_MS_MAX);
    if (none_parked && none_inside) {
        runtime_disconnect_at_exit(kGoodbyeMs, destroy_all);
    }
    // Otherwise a thread is inside the stack and its memory must stay; the daemon notices the end of this process.
}

void stack_left_at_exit() noexcept {
    signals_uninstall();
}

} // namespace qipc
