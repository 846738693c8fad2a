// SPDX-License-Identifier: Apache-2.0
#include "runtime.hpp"

#include "close.hpp"
#include "control.hpp"
#include "dead_runtimes.h"
#include "exit.hpp"
#include "lease.hpp"
#include "link.hpp"
#include "port.hpp"
#include "reattach.hpp"
#include "signals.hpp"
#include "supervisor.hpp"
#include "turn.hpp"
#include "waitset.hpp"

#include <unistd.h>

#include <cstdio>
#include <random>

namespace qipc {
namespace {

/** Longer than any open waits for the daemon, each of whose steps has the timeout to itself. */
constexpr uint32_t kTurnWaitMsMax = 10 * kTimeoutMsMax;

uint64_t g_worlds = 0; // guarded by the turn

std::string unique_name() {
    std::random_device random;
    char text[64];
    std::snprintf(text, sizeof text, QIPC_RUNTIME_FORMAT, static_cast<int>(getpid()), random());
    return text;
}

} // namespace

std::shared_ptr<World> world_make(Options&& options, const std::string& name) {
    const auto world = std::make_shared<World>();
    world->options = std::move(options);
    world->name = name.empty() ? unique_name() : name;
    world->number = ++g_worlds;
    return world;
}

int32_t world_open(Options&& options, std::shared_ptr<World>* out) {
    if (const std::shared_ptr<World> world = world_current(); world != nullptr) {
        if (world->options.text != options.text) {
            return fail(QIPC_E_OPTIONS_DIFFER, 0, 0,
                        "Cannot open a runtime with these options: this process has the runtime \"%s\" open with others",
                        world->name.c_str());
        }
        const int32_t status = attach_again();
        *out = world_current();
        return status;
    }
    if (!link_end_last_goodbye(options.timeout_ms)) {
        return fail(QIPC_E_DAEMON_HUNG, options.timeout_ms, options.timeout_ms,
                    "An earlier runtime of this process still waits for the daemon");
    }
    const std::string name = options.name;
    const auto fresh = world_make(std::move(options), name);
    stack_install_error_handler();
    stack_set_log(fresh->options.log);
    register_process_exit();
    signals_install();
    if (const int32_t status = link_make(fresh); status != QIPC_OK) {
        const ErrorDetail detail = saved_detail();
        signals_uninstall();
        restore_detail(detail);
        return status;
    }
    world_set_current(fresh);
    supervisor_start();
    *out = fresh;
    return QIPC_OK;
}

void world_drop() {
    const std::shared_ptr<World> world = world_current();
    if (world == nullptr || --world->handles > 0) {
        return;
    }
    world_set_current(nullptr);
    if (!world->is_down) {
        link_end(world, world->options.timeout_ms, true, nullptr);
    }
    if (world->options.spawn) {
        daemon_leave();
    }
    signals_uninstall();
}

int32_t world_check(const World& world) {
    if (const int32_t status = daemon_alive(world.daemon); status != QIPC_OK) {
        return status;
    }
    // The sentinel lies in the stack's memory, which goes at the end of the process.
    const CallGuard guard;
    if (!guard.entered) {
        return refuse_closed_gate();
    }
    if (world.is_down || (world.sentinel != nullptr && !sentinel_holds(world))) {
        return fail(QIPC_E_DAEMON_GONE, 0, 0,
                    "The daemon took this process for dead, which was stopped for too long, and removed its ports");
    }
    return QIPC_OK;
}

int32_t world_run(const World& world, const std::shared_ptr<Job>& job) {
    if (process_is_exiting()) {
        return refuse_closed_gate();
    }
    if (const int32_t status = world_check(world); status != QIPC_OK) {
        if (control_is_stuck()) {
            stack_answer_in_place_of_daemon(world.name);
        }
        return status;
    }
    const int32_t status = control_run(job, world.options.timeout_ms);
    if (status == QIPC_E_DAEMON_HUNG) {
        // It may have died, or given this process up, while it was asked.
        const int32_t why = world_refusal(world, status);
        if (why != status) {
            stack_answer_in_place_of_daemon(world.name);
        }
        return why;
    }
    return status;
}

int32_t world_refusal(const World& world, int32_t status) {
    const ErrorDetail detail = saved_detail();
    if (const int32_t why = world_check(world); why != QIPC_OK) {
        return why;
    }
    restore_detail(detail);
    return status;
}

void runtime_close(RuntimeHandle* runtime) noexcept {
    try {
        close_ports_of(runtime->handle);
        {
            const CallGuard guard;
            if (guard.entered) {
                wait_set_close(*runtime);
            }
        }
        handle_free(runtime->handle);
        // A thread that opens gives its turn back after its timeout at the latest.
        if (const TurnGuard turn(kTurnWaitMsMax); turn.has_turn) {
            world_drop();
        }
        // The end of the process may have seen the handle just before it was freed.
        if (!process_is_exiting()) {
            delete runtime;
        }
    } catch (...) {
        // Only memory can be short here; the daemon cleans up after this process's end.
    }
}

void runtime_disconnect_at_exit(uint32_t wait_ms, void (*destroy)()) noexcept {
    try {
        std::shared_ptr<World> world;
        if (const TurnGuard turn(wait_ms); turn.has_turn) {
            world = world_current();
            world_set_current(nullptr);
        }
        if (world == nullptr) {
            return;
        }
        if (!world->is_down) {
            link_end(world, wait_ms, false, destroy);
        }
        if (world->options.spawn) {
            daemon_leave();
        }
    } catch (...) {
        // The process ends; the daemon notices.
    }
}

} // namespace qipc
