// SPDX-License-Identifier: Apache-2.0
#include "runtime.hpp"

#include "clock.hpp"
#include "close.hpp"
#include "control.hpp"
#include "dead_runtimes.h"
#include "exit.hpp"
#include "listener.hpp"
#include "port_pool.hpp"
#include "ring_ports.hpp"
#include "signals.hpp"
#include "turn.hpp"
#include "waitset.hpp"
#include "window.hpp"

#include <unistd.h>

#include <cstdio>
#include <random>

namespace qipc {
namespace {

std::shared_ptr<World>& current() {
    static std::shared_ptr<World>& world = *new std::shared_ptr<World>;
    return world;
}
uint64_t g_worlds = 0;

/** Longer than any open waits for the daemon, each of whose steps has the timeout to itself. */
constexpr uint32_t kTurnWaitMsMax = 10 * kTimeoutMsMax;
constexpr uint64_t kGoodbyePollMs = 2;

/** Of the runtime that this process opened last. Guarded by the turn. */
std::string& last_name() {
    static std::string& name = *new std::string;
    return name;
}

/** An earlier runtime may still wait for the answer to its goodbye, of a daemon that hung or died. Nobody needs it any more,
 * and nothing can be opened before it came. */
bool end_last_goodbye(uint32_t timeout_ms) {
    const uint64_t deadline_ns = now_ns() + ms_to_ns(timeout_ms);
    while (control_is_stuck() && now_ns() < deadline_ns) {
        stack_answer_in_place_of_daemon(last_name());
        sleep_ns(ms_to_ns(kGoodbyePollMs));
    }
    return !control_is_stuck();
}

std::string unique_name() {
    std::random_device random;
    char text[64];
    std::snprintf(text, sizeof text, QIPC_RUNTIME_FORMAT, static_cast<int>(getpid()), random());
    return text;
}

/** What the attaching leaves behind for its caller, or for nobody when it is late. */
struct Attached {
    bool ok = false;
    iox::popo::ConditionVariableData* sentinel = nullptr;
    const iox::roudi::PortPoolData* pool = nullptr;
};

void detach(World& world) {
    listener_end_all(world);
    ring_ports_forget(world);
    if (world.sentinel != nullptr && sentinel_holds(world)) {
        stack_drop_condition(world.sentinel);
    }
    world.sentinel = nullptr;
    stack_detach();
    window_world_closed(world.number);
}

int32_t attach(const std::shared_ptr<World>& world) {
    const Options& options = world->options;
    if (options.spawn) {
        SpawnOptions spawn;
        spawn.pool_bytes = options.pool_bytes;
        spawn.keep = options.daemon_keep;
        spawn.timeout_ms = options.timeout_ms;
        spawn.readers = options.readers;
        spawn.writers = options.writers;
        if (const int32_t status = daemon_ensure(spawn, &world->spawned); status != QIPC_OK) {
            return status;
        }
    }
    int32_t status = daemon_probe(options.timeout_ms, &world->daemon);
    if (status == QIPC_OK) {
        status = stack_check_name_free(world->name);
    }
    if (status == QIPC_OK) {
        const auto attached = std::make_shared<Attached>();
        const auto job = std::make_shared<Job>();
        job->work = [world, attached] {
            attached->ok = stack_attach(world->name);
            if (attached->ok) {
                attached->sentinel = stack_make_condition();
                attached->pool = port_pool_locate(attached->sentinel);
            }
        };
        job->undo = [world, attached] {
            if (attached->ok) {
                world->sentinel = attached->sentinel;
                detach(*world);
            }
        };
        status = control_run(job, options.timeout_ms);
        if (status == QIPC_OK && !attached->ok) {
            status = fail(QIPC_E_DAEMON_HUNG, 0, options.timeout_ms, "The daemon did not complete the registration");
        } else if (status == QIPC_OK) {
            world->sentinel = attached->sentinel;
            world->pool = attached->pool;
        }
    }
    if (status != QIPC_OK && options.spawn) {
        daemon_leave();
    }
    return status;
}

/** Whether a goodbye will be answered. No other thread has a port, or the gate is closed. */
bool is_known_to_daemon(const World& world) {
    return daemon_alive(world.daemon) == QIPC_OK && (world.sentinel == nullptr || sentinel_holds(world));
}

/** Disconnects on the control thread. The caller has the turn, and every port is closed. */
void disconnect(const std::shared_ptr<World>& world) {
    const bool is_known = is_known_to_daemon(*world);
    const auto job = std::make_shared<Job>();
    // Nothing of this world is open any more, so the gate has nobody to protect.
    job->at_exit = true;
    job->must_run = true;
    job->work = [world] { detach(*world); };
    if (!is_known) {
        // The goodbye would wait for an answer that nobody gives.
        stack_answer_in_place_of_daemon(world->name);
    }
    control_run(job, world->options.timeout_ms);
    if (world->options.spawn) {
        daemon_leave();
    }
    signals_uninstall();
}

} // namespace

int32_t world_open(Options&& options, std::shared_ptr<World>* out) {
    std::shared_ptr<World>& world = current();
    if (world != nullptr) {
        if (world->options.text != options.text) {
            return fail(QIPC_E_OPTIONS_DIFFER, 0, 0,
                        "Cannot open a runtime with these options: this process has the runtime \"%s\" open with others",
                        world->name.c_str());
        }
        if (const int32_t status = world_check(*world); status != QIPC_OK) {
            return fail(status, 0, 0,
                        "Cannot open the runtime \"%s\" again: its daemon is gone. Close every handle of it first",
                        world->name.c_str());
        }
        *out = world;
        return QIPC_OK;
    }
    if (!end_last_goodbye(options.timeout_ms)) {
        return fail(QIPC_E_DAEMON_HUNG, options.timeout_ms, options.timeout_ms,
                    "An earlier runtime of this process, \"%s\", still waits for the daemon", last_name().c_str());
    }
    const auto fresh = std::make_shared<World>();
    fresh->options = std::move(options);
    fresh->name = fresh->options.name.empty() ? unique_name() : fresh->options.name;
    last_name() = fresh->name;
    fresh->number = ++g_worlds;
    stack_install_error_handler();
    stack_set_log(fresh->options.log);
    register_process_exit();
    signals_install();
    if (const int32_t status = attach(fresh); status != QIPC_OK) {
        const ErrorDetail detail = saved_detail();
        signals_uninstall();
        restore_detail(detail);
        return status;
    }
    world = fresh;
    *out = fresh;
    return QIPC_OK;
}

void world_drop(const std::shared_ptr<World>& world) {
    if (--world->handles == 0 && current() == world) {
        current().reset();
        disconnect(world);
    }
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
    if (world.sentinel != nullptr && !sentinel_holds(world)) {
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
        const ErrorDetail detail = saved_detail();
        if (const int32_t why = world_check(world); why != QIPC_OK) {
            stack_answer_in_place_of_daemon(world.name);
            return why;
        }
        restore_detail(detail);
    }
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
            world_drop(runtime->world);
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
    std::shared_ptr<World> world;
    if (const TurnGuard turn(wait_ms); turn.has_turn) {
        world.swap(current());
    }
    if (world == nullptr) {
        return;
    }
    try {
        const bool is_known = is_known_to_daemon(*world);
        const auto job = std::make_shared<Job>();
        job->at_exit = true;
        job->work = [world, destroy] {
            destroy();
            detach(*world);
        };
        if (!is_known) {
            stack_answer_in_place_of_daemon(world->name);
        }
        control_run(job, wait_ms);
        if (world->options.spawn) {
            daemon_leave();
        }
    } catch (...) {
        // The process ends; the daemon notices.
    }
}

} // namespace qipc
