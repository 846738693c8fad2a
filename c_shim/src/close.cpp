// SPDX-License-Identifier: Apache-2.0
#include "close.hpp"

#include "exit.hpp"
#include "publisher.hpp"
#include "ring.hpp"
#include "runtime.hpp"
#include "subscriber.hpp"
#include "waiter.hpp"

namespace qipc {
namespace {

void close_kind(uint32_t runtime, Kind kind) noexcept {
    Thread* thread = thread_current();
    if (thread == nullptr) {
        return;
    }
    // From the end: closing takes the handle out of this very list.
    for (size_t i = thread->handles.size(); i > 0; --i) {
        if (i > thread->handles.size()) {
            continue;
        }
        const uint32_t handle = thread->handles[i - 1];
        if (kind == Kind::subscriber) {
            Subscriber* subscriber = handle_object<Subscriber>(handle, kind);
            if (subscriber != nullptr && subscriber->runtime == runtime) {
                subscriber_close(subscriber);
            }
        } else if (kind == Kind::publisher) {
            Publisher* publisher = handle_object<Publisher>(handle, kind);
            if (publisher != nullptr && publisher->runtime == runtime) {
                publisher_close(publisher);
            }
        } else if (kind == Kind::waiter) {
            Waiter* waiter = handle_object<Waiter>(handle, kind);
            if (waiter != nullptr && waiter->runtime == runtime) {
                waiter_close(waiter);
            }
        } else if (kind == Kind::ring) {
            Ring* ring = handle_object<Ring>(handle, kind);
            if (ring != nullptr && ring->runtime == runtime) {
                ring_close(ring, thread->is_ending ? RingViews::orphaned : RingViews::some);
            }
        }
    }
}

} // namespace

void close_ports_of(uint32_t runtime) noexcept {
    close_kind(runtime, Kind::ring); // while the port is still there whose subscribers may want it
    close_kind(runtime, Kind::waiter);
    close_kind(runtime, Kind::subscriber);
    close_kind(runtime, Kind::publisher);
}

void close_everything_of(Thread& thread) noexcept {
    if (process_is_exiting()) {
        return;
    }
    while (!thread.handles.empty()) {
        // A port's runtime closes the port, so only runtimes need closing; what else is left belongs to one of them.
        RuntimeHandle* runtime = nullptr;
        for (const uint32_t handle : thread.handles) {
            runtime = handle_object<RuntimeHandle>(handle, Kind::runtime);
            if (runtime != nullptr) {
                break;
            }
        }
        if (runtime == nullptr) {
            return;
        }
        runtime_close(runtime);
    }
}

} // namespace qipc
