// SPDX-License-Identifier: Apache-2.0
#include "waitset.hpp"

#include "control.hpp"
#include "lease.hpp"
#include "listener.hpp"
#include "parking.hpp"
#include "port.hpp"
#include "signals.hpp"
#include "subscriber.hpp"
#include "waiter.hpp"

#include "iceoryx_binding_c/internal/cpp2c_subscriber.hpp"
#include "iceoryx_binding_c/internal/cpp2c_waitset.hpp"

extern "C" {
#include "iceoryx_binding_c/wait_set.h"
}

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <mutex>

namespace qipc {

struct WaitSet {
    uint64_t world_number = 0;
    iox_ws_t set = nullptr;
    iox::popo::ConditionVariableData* condition = nullptr;
};

namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kWaitAnyMax = 64;
constexpr double kWaitMsMax = 2147483647.0;

/** How long a parked thread sleeps before it looks whether the daemon still lives. */
constexpr std::chrono::milliseconds kLookInterval{500};

std::mutex g_mutex; // guards the list of wait sets of every world

int32_t make_wait_set(RuntimeHandle& runtime, World& world) {
    if (runtime.wait_set != nullptr && runtime.wait_set->world_number == world.number) {
        return QIPC_OK;
    }
    const auto made = std::make_shared<WaitSet>();
    made->world_number = world.number;
    const auto job = std::make_shared<Job>();
    job->work = [made] {
        made->condition = stack_make_condition();
        if (made->condition != nullptr) {
            stack_provide_condition(made->condition);
            iox_ws_storage_t storage;
            made->set = iox_ws_init(&storage);
        }
    };
    job->undo = [made] {
        if (made->set != nullptr) {
            iox_ws_deinit(made->set);
        }
    };
    if (const int32_t status = world_run(world, job); status != QIPC_OK) {
        return status;
    }
    if (made->set == nullptr) {
        return world_refusal(world, refuse_condition());
    }
    const std::lock_guard<std::mutex> lock(g_mutex);
    world.wait_sets.push_back(made);
    runtime.wait_set = made;
    return QIPC_OK;
}

/** Of a world whose memory is still there. One whose condition variable was removed stays behind: its end would write to what is
 * another's by now. */
void end_wait_set(const World& world, WaitSet& wait_set) {
    if (condition_is_ours(world, wait_set.condition)) {
        iox_ws_deinit(wait_set.set);
    }
    wait_set.set = nullptr;
}

/** Subscribers that wait together. */
struct Group {
    Subscriber* members[kWaitAnyMax];
    uint32_t count = 0;
};

/** 1 when one has data, 0 when none has, or the status of one that the daemon removed. Inside the gate. */
int32_t look(const Group& group) {
    for (uint32_t i = 0; i < group.count; ++i) {
        const Subscriber& subscriber = *group.members[i];
        if (!port_is_ours(subscriber.port, subscriber.unique_id)) {
            return refuse_removed_port();
        }
        if (subscriber_has_data(subscriber)) {
            return 1;
        }
    }
    return 0;
}

int32_t look_guarded(const Group& group) {
    const CallGuard guard;
    return guard.entered ? look(group) : refuse_closed_gate();
}

/** A port has one place for a notification, so a listener lets go of it while a wait set has it. */
int32_t attach(const Group& group, const WaitSet& wait_set) {
    const CallGuard guard;
    if (!guard.entered) {
        return refuse_closed_gate();
    }
    for (uint32_t i = 0; i < group.count; ++i) {
        Subscriber& subscriber = *group.members[i];
        if (!port_is_ours(subscriber.port, subscriber.unique_id)) {
            return refuse_removed_port();
        }
        if (subscriber.listener != nullptr) {
            listener_detach(subscriber);
        }
        const iox_WaitSetResult outcome =
            iox_ws_attach_subscriber_state(wait_set.set, subscriber.sub, SubscriberState_HAS_DATA, i, nullptr);
        if (outcome != WaitSetResult_SUCCESS && outcome != WaitSetResult_ALREADY_ATTACHED) {
            return fail(QIPC_E_INTERNAL, static_cast<double>(outcome), 0, "The stack refused to wait with %d",
                        static_cast<int>(outcome));
        }
    }
    return QIPC_OK;
}

void detach(const Group& group, const WaitSet& wait_set) {
    const CallGuard guard;
    if (!guard.entered) {
        return;
    }
    for (uint32_t i = 0; i < group.count; ++i) {
        Subscriber& subscriber = *group.members[i];
        if (!port_is_ours(subscriber.port, subscriber.unique_id)) {
            detach_removed(subscriber);
            continue;
        }
        iox_ws_detach_subscriber_state(wait_set.set, subscriber.sub, SubscriberState_HAS_DATA);
        if (subscriber.listener != nullptr) {
            listener_attach(subscriber);
            // What came while the listener had let go was not told to it.
            if (subscriber_has_data(subscriber) && subscriber.is_armed.exchange(false)) {
                waiter_signal(*subscriber.waiter);
            }
        }
    }
}

int32_t wait_attached(const Group& group, const World& world, const WaitSet& wait_set, Clock::time_point deadline) {
    Clock::time_point next_look = Clock::now() + kLookInterval;
    for (;;) {
        if (const int32_t status = look_guarded(group); status != 0) {
            return status == 1 ? QIPC_OK : status;
        }
        const Clock::time_point now = Clock::now();
        if (now >= deadline) {
            return QIPC_TIMED_OUT;
        }
        if (now >= next_look) {
            if (const int32_t status = world_check(world); status != QIPC_OK) {
                return status;
            }
            next_look = now + kLookInterval;
        }
        if (!park(wait_set.set, *wait_set.condition, std::min(deadline, next_look) - now)) {
            return refuse_closed_gate();
        }
    }
}

int32_t wait(const Group& group, double timeout_ms) {
    if (!(timeout_ms >= 0) || timeout_ms > kWaitMsMax) {
        return fail(QIPC_E_OPTION, timeout_ms, kWaitMsMax, "Cannot wait for %g ms: it must be 0 to %.0f", timeout_ms,
                    kWaitMsMax);
    }
    const auto time = std::chrono::nanoseconds(static_cast<int64_t>(timeout_ms * 1e6));
    const Clock::time_point deadline = Clock::now() + time;
    if (const int32_t status = look_guarded(group); status != 0) {
        return status == 1 ? QIPC_OK : status;
    }
    if (time.count() == 0) {
        return QIPC_TIMED_OUT;
    }
    RuntimeHandle* runtime = handle_object<RuntimeHandle>(group.members[0]->runtime, Kind::runtime);
    if (runtime == nullptr) {
        return handle_refusal(group.members[0]->runtime, Kind::runtime);
    }
    int32_t status = QIPC_OK;
    {
        const WorldLease world(runtime->world);
        if (status = make_wait_set(*runtime, *world); status != QIPC_OK) {
            return status;
        }
        status = attach(group, *runtime->wait_set);
    }
    // These stay what they are, whatever becomes of the process's connection meanwhile.
    const std::shared_ptr<World> world = runtime->world;
    const std::shared_ptr<WaitSet> wait_set = runtime->wait_set;
    if (status == QIPC_OK) {
        status = wait_attached(group, *world, *wait_set, deadline);
    }
    detach(group, *wait_set);
    return status;
}

} // namespace

void wait_set_close(RuntimeHandle& runtime) noexcept {
    const std::shared_ptr<WaitSet> wait_set = std::move(runtime.wait_set);
    World& world = *runtime.world;
    if (wait_set == nullptr || wait_set->world_number != world.number || world.is_down) {
        return; // it has ended with its world
    }
    {
        const std::lock_guard<std::mutex> lock(g_mutex);
        std::erase(world.wait_sets, wait_set);
    }
    end_wait_set(world, *wait_set);
}

void wait_set_end_all(World& world) {
    std::vector<std::shared_ptr<WaitSet>> wait_sets;
    {
        const std::lock_guard<std::mutex> lock(g_mutex);
        wait_sets.swap(world.wait_sets);
    }
    for (const auto& wait_set : wait_sets) {
        end_wait_set(world, *wait_set);
    }
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_subscriber_wait(uint32_t handle, double timeout_ms) {
    return shielded([&]() -> int32_t {
        Group group;
        group.members[0] = handle_object<Subscriber>(handle, Kind::subscriber);
        if (group.members[0] == nullptr) {
            return handle_refusal(handle, Kind::subscriber);
        }
        group.count = 1;
        return wait(group, timeout_ms);
    });
}

QIPC_EXPORT int32_t qipc_subscriber_wait_any(const uint8_t* subscribers, uint32_t count, double timeout_ms) {
    return shielded([&]() -> int32_t {
        if (subscribers == nullptr) {
            return fail(QIPC_E_NULL, 0, 0, "Cannot read the subscribers: the pointer is null");
        }
        if (count == 0 || count > kWaitAnyMax) {
            return fail(QIPC_E_OPTION, count, kWaitAnyMax, "Cannot wait for %u subscribers: it must be 1 to %u", count,
                        kWaitAnyMax);
        }
        Group group;
        for (uint32_t i = 0; i < count; ++i) {
            uint32_t handle = 0;
            std::memcpy(&handle, subscribers + 4 * i, sizeof handle);
            group.members[i] = handle_object<Subscriber>(handle, Kind::subscriber);
            if (group.members[i] == nullptr) {
                return handle_refusal(handle, Kind::subscriber);
            }
        }
        group.count = count;
        return wait(group, timeout_ms);
    });
}
