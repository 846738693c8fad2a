// SPDX-License-Identifier: Apache-2.0
//
// The waiters of subscriber ports, and threads that wait for them: a thread of this library looks for data.
#include "clock.hpp"
#include "subscriber.hpp"
#include "waiter.hpp"
#include "watch.hpp"

#include <algorithm>
#include <cstring>

namespace qipc {
namespace {

constexpr uint32_t kWaitAnyMax = 64;
constexpr double kWaitMsMax = 2147483647.0;
/** Pauses between looks, of a thread that blocks: short at first, for what comes soon. */
constexpr uint64_t kPauseNsMin = 20000;
constexpr uint64_t kPauseNsMax = kNsPerMs;

/** The waiter and the subscriber of a call, both of this thread. */
int32_t find_both(uint32_t waiter_handle, uint32_t subscriber_handle, Waiter** waiter, Subscriber** subscriber) {
    *waiter = handle_object<Waiter>(waiter_handle, Kind::waiter);
    if (*waiter == nullptr) {
        return handle_refusal(waiter_handle, Kind::waiter);
    }
    *subscriber = handle_object<Subscriber>(subscriber_handle, Kind::subscriber);
    return *subscriber == nullptr ? handle_refusal(subscriber_handle, Kind::subscriber) : QIPC_OK;
}

void detach(Subscriber& subscriber) noexcept {
    const PortLockGuard lock(subscriber.lock);
    subscriber.is_armed.store(false, std::memory_order_relaxed);
    subscriber.waiter = nullptr;
}

int32_t arm(Waiter& waiter, Subscriber& subscriber) {
    const PortLockGuard lock(subscriber.lock);
    if (subscriber.port == nullptr) {
        return refuse_ended_port();
    }
    if (const int32_t status = subscriber_has_data(subscriber); status != 0) {
        return status;
    }
    subscriber.waiter = &waiter;
    subscriber.is_armed.store(true, std::memory_order_relaxed);
    return QIPC_OK;
}

/** Subscribers that wait together. */
struct Group {
    Subscriber* members[kWaitAnyMax];
    uint32_t count = 0;
};

int32_t look(const Group& group) {
    for (uint32_t i = 0; i < group.count; ++i) {
        Subscriber& subscriber = *group.members[i];
        const PortLockGuard lock(subscriber.lock);
        const int32_t status = subscriber.port == nullptr ? refuse_ended_port() : subscriber_has_data(subscriber);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

int32_t wait(const Group& group, double timeout_ms) {
    if (!(timeout_ms >= 0) || timeout_ms > kWaitMsMax) {
        return fail(QIPC_E_OPTION, timeout_ms, kWaitMsMax, "Cannot wait for %g ms: it must be 0 to %.0f", timeout_ms,
                    kWaitMsMax);
    }
    const uint64_t end = now_ns() + static_cast<uint64_t>(timeout_ms * static_cast<double>(kNsPerMs));
    for (uint64_t pause = kPauseNsMin;; pause = std::min(pause + pause / 4, kPauseNsMax)) {
        if (const int32_t status = look(group); status != 0) {
            return status == 1 ? QIPC_OK : status;
        }
        const uint64_t now = now_ns();
        if (now >= end) {
            return QIPC_TIMED_OUT;
        }
        sleep_ns(std::min(pause, end - now));
    }
}

} // namespace

bool waiter_detach_subscribers(Waiter& waiter) noexcept {
    // Whoever signals every waiter has this, and may just have found this one by its handle, which is gone by now.
    const std::lock_guard<std::mutex> control(control_mutex());
    Thread* thread = thread_current();
    if (thread == nullptr) {
        return false;
    }
    for (const uint32_t handle : thread->handles) {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber != nullptr && subscriber->waiter == &waiter) {
            detach(*subscriber);
        }
    }
    return true;
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_waiter_arm(uint32_t waiter_handle, uint32_t subscriber_handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = nullptr;
        Subscriber* subscriber = nullptr;
        int32_t status = find_both(waiter_handle, subscriber_handle, &waiter, &subscriber);
        if (status == QIPC_OK) {
            status = arm(*waiter, *subscriber);
        }
        if (status == QIPC_OK) {
            watch_hurry();
        }
        return status;
    });
}

QIPC_EXPORT int32_t qipc_waiter_disarm(uint32_t waiter_handle, uint32_t subscriber_handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = nullptr;
        Subscriber* subscriber = nullptr;
        const int32_t status = find_both(waiter_handle, subscriber_handle, &waiter, &subscriber);
        if (status == QIPC_OK && subscriber->waiter == waiter) {
            detach(*subscriber);
        }
        return status;
    });
}

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
