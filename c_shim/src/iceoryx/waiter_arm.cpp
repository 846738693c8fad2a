// SPDX-License-Identifier: Apache-2.0
//
// The waiters of subscriber ports: a listener of the stack tells them of data.
#include "gate.hpp"
#include "lease.hpp"
#include "listener.hpp"
#include "signals.hpp"
#include "subscriber.hpp"
#include "waiter_arm.hpp"

namespace qipc {

void waiters_signal_all() noexcept {
    // A waiter that is closed is deleted inside of the gate, when its handle is gone already: none goes while newcomers are kept out.
    gate_pause();
    handle_each([](uint32_t, Kind kind, void* object) {
        if (kind == Kind::waiter) {
            waiter_signal(*static_cast<Waiter*>(object));
        }
    });
    gate_resume();
}

void waiter_forget(Subscriber& subscriber) noexcept {
    if (subscriber.listener != nullptr) {
        subscriber.is_armed.store(false);
        listener_detach(subscriber);
        listener_release(*subscriber.listener);
        subscriber.listener.reset();
        subscriber.waiter = nullptr;
    }
}

void waiter_forget_removed(Subscriber& subscriber) {
    subscriber.is_armed.store(false);
    detach_removed(subscriber);
    if (subscriber.listener != nullptr) {
        listener_release(*subscriber.listener);
        subscriber.listener.reset();
        subscriber.waiter = nullptr;
    }
}

bool waiter_detach_subscribers(Waiter& waiter) noexcept {
    Thread* thread = thread_current();
    if (thread == nullptr) {
        return false;
    }
    for (const uint32_t handle : thread->handles) {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr || subscriber->waiter != &waiter) {
            continue;
        }
        if (port_is_ours(subscriber->port, subscriber->unique_id)) {
            waiter_forget(*subscriber);
        } else {
            waiter_forget_removed(*subscriber);
        }
    }
    return true;
}

namespace {

/** The waiter and the subscriber of a call, both of this thread. */
int32_t find_both(uint32_t waiter_handle, uint32_t subscriber_handle, Waiter** waiter, Subscriber** subscriber) {
    *waiter = handle_object<Waiter>(waiter_handle, Kind::waiter);
    if (*waiter == nullptr) {
        return handle_refusal(waiter_handle, Kind::waiter);
    }
    *subscriber = handle_object<Subscriber>(subscriber_handle, Kind::subscriber);
    if (*subscriber == nullptr) {
        return handle_refusal(subscriber_handle, Kind::subscriber);
    }
    return QIPC_OK;
}

/** Attaches the subscriber to a listener with room, on behalf of this waiter. */
int32_t attach(Waiter& waiter, Subscriber& subscriber) {
    std::shared_ptr<Listener> listener;
    const WorldLease world(waiter.world);
    if (const int32_t status = listener_acquire(*world, &listener); status != QIPC_OK) {
        return status;
    }
    const CallGuard guard;
    if (!guard.entered) {
        return refuse_closed_gate();
    }
    if (!port_is_ours(subscriber.port, subscriber.unique_id)) {
        listener_release(*listener);
        return refuse_removed_port();
    }
    waiter_forget(subscriber);
    subscriber.waiter = &waiter;
    subscriber.listener = std::move(listener);
    const int32_t status = listener_attach(subscriber);
    if (status != QIPC_OK) {
        listener_release(*subscriber.listener);
        subscriber.listener.reset();
        subscriber.waiter = nullptr;
    }
    return status;
}

/** Arms a subscriber that is attached: 1 when data is there already. `*is_attached` is false when it is not, or not for this
 * waiter. */
int32_t arm_attached(const Waiter& waiter, Subscriber& subscriber, bool* is_attached) {
    const CallGuard guard;
    if (!guard.entered) {
        return refuse_closed_gate();
    }
    if (!port_is_ours(subscriber.port, subscriber.unique_id)) {
        return refuse_removed_port();
    }
    *is_attached = subscriber.waiter == &waiter;
    if (!*is_attached) {
        return QIPC_OK;
    }
    // First armed, then looked: data that comes in between is told by the callback, data from before is seen here.
    subscriber.is_armed.store(true);
    if (subscriber_has_data(subscriber)) {
        subscriber.is_armed.store(false);
        return 1;
    }
    return QIPC_OK;
}

int32_t arm(Waiter& waiter, Subscriber& subscriber) {
    bool is_attached = true;
    int32_t status = arm_attached(waiter, subscriber, &is_attached);
    if (is_attached) {
        return status;
    }
    status = attach(waiter, subscriber);
    return status == QIPC_OK ? arm_attached(waiter, subscriber, &is_attached) : status;
}

} // namespace
} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_waiter_arm(uint32_t waiter_handle, uint32_t subscriber_handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = nullptr;
        Subscriber* subscriber = nullptr;
        const int32_t status = find_both(waiter_handle, subscriber_handle, &waiter, &subscriber);
        return status == QIPC_OK ? arm(*waiter, *subscriber) : status;
    });
}

QIPC_EXPORT int32_t qipc_waiter_disarm(uint32_t waiter_handle, uint32_t subscriber_handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = nullptr;
        Subscriber* subscriber = nullptr;
        const int32_t status = find_both(waiter_handle, subscriber_handle, &waiter, &subscriber);
        if (status != QIPC_OK) {
            return status;
        }
        const CallGuard guard;
        if (!guard.entered) {
            return refuse_closed_gate();
        }
        if (subscriber->waiter != waiter) {
            return QIPC_OK;
        }
        if (!port_is_ours(subscriber->port, subscriber->unique_id)) {
            waiter_forget_removed(*subscriber);
            return QIPC_OK;
        }
        waiter_forget(*subscriber);
        return QIPC_OK;
    });
}
