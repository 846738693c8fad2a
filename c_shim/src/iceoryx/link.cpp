// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include "clock.hpp"
#include "control.hpp"
#include "listener.hpp"
#include "port.hpp"
#include "port_pool.hpp"
#include "ring_ports.hpp"
#include "signals.hpp"
#include "supervisor.hpp"
#include "waitset.hpp"
#include "window.hpp"

namespace qipc {
namespace {

constexpr uint64_t kGoodbyePollMs = 2;

/** Of the runtime that this process connected last. Guarded by the turn. */
std::string& last_name() {
    static std::string& name = *new std::string;
    return name;
}

/** What the attaching leaves behind for its caller, or for nobody when it is late. */
struct Attached {
    bool ok = false;
    iox::popo::ConditionVariableData* sentinel = nullptr;
    const iox::roudi::PortPoolData* pool = nullptr;
};

void detach(World& world) {
    listener_end_all(world);
    wait_set_end_all(world);
    ring_ports_forget(world);
    if (world.sentinel != nullptr && sentinel_holds(world)) {
        stack_drop_condition(world.sentinel);
    }
    world.sentinel = nullptr;
    stack_detach();
    window_world_closed(world.number);
}

int32_t attach(const std::shared_ptr<World>& world) {
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
    const uint32_t timeout_ms = world->options.timeout_ms;
    const int32_t status = control_run(job, timeout_ms);
    if (status == QIPC_OK && !attached->ok) {
        return fail(QIPC_E_DAEMON_HUNG, 0, timeout_ms, "The daemon did not complete the registration");
    }
    if (status == QIPC_OK) {
        world->sentinel = attached->sentinel;
        world->pool = attached->pool;
    }
    return status;
}

/** Whether a goodbye will be answered. No other thread has a port, or the gate is closed. */
bool is_known_to_daemon(const World& world) {
    return daemon_alive(world.daemon) == QIPC_OK && (world.sentinel == nullptr || sentinel_holds(world));
}

} // namespace

int32_t link_ensure_daemon(const Options& options, bool* spawned) {
    SpawnOptions spawn;
    spawn.pool_bytes = options.pool_bytes;
    spawn.keep = options.daemon_keep;
    spawn.timeout_ms = options.timeout_ms;
    spawn.readers = options.readers;
    spawn.writers = options.writers;
    return options.spawn ? daemon_ensure(spawn, spawned) : QIPC_OK;
}

int32_t link_make(const std::shared_ptr<World>& world) {
    const Options& options = world->options;
    last_name() = world->name;
    if (const int32_t status = link_ensure_daemon(options, &world->spawned); status != QIPC_OK) {
        return status;
    }
    int32_t status = daemon_probe(options.timeout_ms, &world->daemon);
    if (status == QIPC_OK) {
        signals_take_from(world->daemon.pid, supervisor_told);
        status = stack_check_name_free(world->name);
    }
    if (status == QIPC_OK) {
        status = attach(world);
    }
    if (status != QIPC_OK && options.spawn) {
        daemon_leave();
    }
    return status;
}

void link_end(const std::shared_ptr<World>& world, uint32_t wait_ms, bool must_run, void (*destroy)()) {
    const bool is_known = is_known_to_daemon(*world);
    const auto job = std::make_shared<Job>();
    // Nothing of this world is open any more, or the gate is closed: it has nobody to protect.
    job->at_exit = true;
    job->must_run = must_run;
    job->work = [world, destroy] {
        if (destroy != nullptr) {
            destroy();
        }
        detach(*world);
    };
    if (!is_known) {
        // The goodbye would wait for an answer that nobody gives.
        stack_answer_in_place_of_daemon(world->name);
    }
    control_run(job, wait_ms);
}

bool link_end_last_goodbye(uint32_t timeout_ms) {
    const uint64_t deadline_ns = now_ns() + ms_to_ns(timeout_ms);
    while (control_is_stuck() && now_ns() < deadline_ns) {
        stack_answer_in_place_of_daemon(last_name());
        sleep_ns(ms_to_ns(kGoodbyePollMs));
    }
    return !control_is_stuck();
}

} // namespace qipc
