// SPDX-License-Identifier: Apache-2.0
//
// Attaching anew to a daemon after the one before died, or gave this process up. Handles of runtimes, waiters and rings go on;
// ports belong to the old world and say that it is gone.
#include "reattach.hpp"

#include "clock.hpp"
#include "control.hpp"
#include "exit.hpp"
#include "gate.hpp"
#include "lease.hpp"
#include "link.hpp"
#include "parking.hpp"
#include "publisher.hpp"
#include "signals.hpp"
#include "subscriber.hpp"
#include "turn.hpp"
#include "waiter_arm.hpp"

namespace qipc {
namespace {

/** How long threads are given to come out of the stack. Others wait before the gate meanwhile, and stop believing in it after
 * two seconds, so it must be well below. */
constexpr uint32_t kOutMs = 300;

/** Keeps every thread out of the stack, those that wait for data included. */
class Pause {
  public:
    Pause() : m_waits_are_barred(begin()), all_are_out(m_waits_are_barred && gate_wait_all_out(kOutMs)) {}
    ~Pause() {
        parking_open();
        gate_resume();
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

  private:
    static bool begin() {
        gate_pause();
        return parking_bar(kOutMs);
    }

    const bool m_waits_are_barred;

  public:
    const bool all_are_out;
};

void take_ports_from_the_stack() {
    handle_each([](uint32_t, Kind kind, void* object) {
        if (kind == Kind::subscriber) {
            subscriber_destroy_port(*static_cast<Subscriber*>(object));
        } else if (kind == Kind::publisher) {
            publisher_destroy_port(*static_cast<Publisher*>(object));
        }
    });
}

int32_t fail_busy(uint32_t waited_ms) {
    return fail(QIPC_E_DAEMON_HUNG, waited_ms, waited_ms,
                "Cannot attach again: another thread of this process has been inside a call for %u ms", waited_ms);
}

/** Nothing of the old world is used any more after this; its memory is still there. */
int32_t take_apart(World& world) {
    const uint32_t timeout_ms = world.options.timeout_ms;
    // A call that waits for an answer which nobody will give is inside the gate, on the control thread.
    if (!link_end_last_goodbye(timeout_ms)) {
        return fail_busy(timeout_ms);
    }
    const AllLeases leases(timeout_ms);
    if (!leases.are_taken) {
        return fail_busy(timeout_ms);
    }
    const Pause pause;
    if (!pause.all_are_out) {
        return fail_busy(kOutMs);
    }
    take_ports_from_the_stack();
    world.is_down = true;
    world.pool = nullptr;
    return QIPC_OK;
}

/** Disconnects. The world stays the current one, and says that it is down. */
int32_t tear_down(const std::shared_ptr<World>& world) {
    if (world->is_down) {
        return QIPC_OK;
    }
    const int32_t status = take_apart(*world);
    if (status == QIPC_OK) {
        waiters_signal_all();
        link_end(world, world->options.timeout_ms, true, nullptr);
    }
    return status;
}

} // namespace

int32_t leave_daemon() {
    const std::shared_ptr<World> world = world_current();
    if (world == nullptr) {
        return QIPC_OK;
    }
    daemon_ends(world->daemon);
    return tear_down(world);
}

int32_t attach_again() {
    const std::shared_ptr<World> old = world_current();
    if (old == nullptr) {
        return refuse_after_exit();
    }
    int32_t status = world_check(*old);
    if (status != QIPC_E_DAEMON_GONE) {
        return status;
    }
    const Options& options = old->options;
    bool spawned = false;
    // Without a daemon the old world is of use yet: those who have its memory mapped go on exchanging blocks.
    status = link_ensure_daemon(options, &spawned);
    if (status == QIPC_OK) {
        status = daemon_probe(options.timeout_ms, nullptr);
    }
    if (status == QIPC_OK) {
        status = tear_down(old);
    }
    if (status == QIPC_OK && !link_end_last_goodbye(options.timeout_ms)) {
        status = fail_busy(options.timeout_ms);
    }
    if (status != QIPC_OK) {
        return status;
    }
    const auto fresh = world_make(Options(options), old->name);
    if (status = link_make(fresh); status == QIPC_OK) {
        fresh->handles = old->handles;
        fresh->spawned = fresh->spawned || spawned;
        world_set_current(fresh);
        waiters_signal_all();
    }
    return status;
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_runtime_attach_again(uint32_t handle) {
    return shielded([&]() -> int32_t {
        RuntimeHandle* runtime = handle_object<RuntimeHandle>(handle, Kind::runtime);
        if (runtime == nullptr) {
            return handle_refusal(handle, Kind::runtime);
        }
        if (process_is_exiting()) {
            return refuse_after_exit();
        }
        const uint32_t timeout_ms = runtime->world->options.timeout_ms;
        const TurnGuard turn(timeout_ms);
        return turn.has_turn ? attach_again() : fail_busy(timeout_ms);
    });
}
