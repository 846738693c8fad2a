// SPDX-License-Identifier: Apache-2.0
#include "waiter.hpp"

#include "gate.hpp"
#include "lease.hpp"
#include "listener.hpp"
#include "ring_waiter.hpp"
#include "signals.hpp"
#include "subscriber.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace qipc {

void waiter_signal(Waiter& waiter) noexcept {
    if (waiter.is_signalled.exchange(1) == 0) {
        const char byte = 1;
        // A full socket holds bytes enough, and a closed one has no reader.
        (void)!send(waiter.write_end, &byte, sizeof byte, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

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

void waiter_close(Waiter* waiter) noexcept {
    handle_free(waiter->handle);
    ring_disarm_all(*waiter);
    const CallGuard guard;
    Thread* thread = thread_current();
    if (!guard.entered || thread == nullptr) {
        // The end of the process takes care of the ports, which still refer to this waiter.
        return;
    }
    for (const uint32_t handle : thread->handles) {
        Subscriber* subscriber = handle_object<Subscriber>(handle, Kind::subscriber);
        if (subscriber == nullptr || subscriber->waiter != waiter) {
            continue;
        }
        if (port_is_ours(subscriber->port, subscriber->unique_id)) {
            waiter_forget(*subscriber);
        } else {
            waiter_forget_removed(*subscriber);
        }
    }
    close(waiter->write_end);
    delete waiter;
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

QIPC_EXPORT int32_t qipc_waiter_open(uint32_t runtime, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        const RuntimeHandle* owner = handle_object<RuntimeHandle>(runtime, Kind::runtime);
        if (owner == nullptr) {
            return handle_refusal(runtime, Kind::runtime);
        }
        auto waiter = std::make_unique<Waiter>();
        waiter->world = owner->world;
        waiter->runtime = runtime;
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
            return fail(QIPC_E_SYSTEM, errno, 0, "Cannot make a socket pair: %s", std::strerror(errno));
        }
        waiter->write_end = ends[1];
        if (const int32_t status = handle_make(Kind::waiter, waiter.get(), &waiter->handle); status != QIPC_OK) {
            close(ends[0]);
            close(ends[1]);
            return status;
        }
        const uint32_t words[2] = {waiter->handle, static_cast<uint32_t>(ends[0])};
        std::memcpy(result, words, sizeof words);
        waiter.release();
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_waiter_close(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = handle_object<Waiter>(handle, Kind::waiter);
        if (waiter == nullptr) {
            return handle_refusal(handle, Kind::waiter);
        }
        waiter_close(waiter);
        return QIPC_OK;
    });
}

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

QIPC_EXPORT int32_t qipc_waiter_clear(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = handle_object<Waiter>(handle, Kind::waiter);
        if (waiter == nullptr) {
            return handle_refusal(handle, Kind::waiter);
        }
        waiter->is_signalled.store(0);
        return QIPC_OK;
    });
}
