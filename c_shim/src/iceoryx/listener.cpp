// SPDX-License-Identifier: Apache-2.0
#include "listener.hpp"

#include "control.hpp"
#include "port.hpp"
#include "subscriber.hpp"
#include "waiter.hpp"

#include "iceoryx_binding_c/internal/cpp2c_subscriber.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace qipc {
namespace {

constexpr uint32_t kPortsOfListenerMax = iox::MAX_NUMBER_OF_EVENTS_PER_LISTENER;

std::mutex g_mutex;

/** Every listener of a world that has not ended. Never destroyed: the control thread may outlive the static destructors. */
std::vector<std::shared_ptr<Listener>>& all() {
    static auto& instance = *new std::vector<std::shared_ptr<Listener>>;
    return instance;
}

/** Runs on a thread of iceoryx. */
void on_data(iox_sub_t, void* context) {
    Subscriber& subscriber = *static_cast<Subscriber*>(context);
    if (subscriber.is_armed.exchange(false)) {
        waiter_signal(*subscriber.waiter);
    }
}

/** Makes one with a place reserved for the caller. */
int32_t make_listener(const World& world, std::shared_ptr<Listener>* out) {
    const auto made = std::make_shared<Listener>();
    made->world_number = world.number;
    made->attached = 1;
    const auto job = std::make_shared<Job>();
    // On the control thread from its making on in the list from which that thread ends it: the listener has a thread, which must not
    // be left when the process ends before the caller goes on.
    job->work = [made] {
        made->condition = stack_make_condition();
        if (made->condition != nullptr) {
            stack_provide_condition(made->condition);
            iox_listener_storage_t storage;
            const std::lock_guard<std::mutex> lock(g_mutex);
            all().reserve(all().size() + 1);
            made->listener = iox_listener_init(&storage);
            all().push_back(made);
        }
    };
    job->undo = [made] { listener_release(*made); };
    if (const int32_t status = world_run(world, job); status != QIPC_OK) {
        return status;
    }
    if (made->listener == nullptr) {
        return world_refusal(world, refuse_condition());
    }
    *out = made;
    return QIPC_OK;
}

/** The same for a listener whose condition variable the daemon has taken away: its thread sleeps on a semaphore that may be
 * another's by now, so it is woken until it has ended, and nothing is left behind there. */
void end_removed(const std::shared_ptr<Listener>& listener) {
    const auto ended = std::make_shared<std::atomic<bool>>(false);
    std::thread waker([listener, ended] {
        while (!ended->load()) {
            if (listener->condition->m_semaphore.post().has_error()) {
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    iox_listener_deinit(listener->listener);
    listener->condition->m_toBeDestroyed.store(false, std::memory_order_relaxed);
    ended->store(true);
    waker.join();
}

} // namespace

int32_t refuse_condition() noexcept {
    return fail(QIPC_E_TOO_MANY_WAITERS, iox::MAX_NUMBER_OF_CONDITION_VARIABLES + 1.0,
                iox::MAX_NUMBER_OF_CONDITION_VARIABLES,
                "Cannot wait for data: the daemon has %u condition variables in use, the limit",
                iox::MAX_NUMBER_OF_CONDITION_VARIABLES);
}

bool condition_is_ours(const World& world, const iox::popo::ConditionVariableData* condition) noexcept {
    return is_occupied(condition) && world.name == condition->m_runtimeName.c_str();
}

int32_t listener_acquire(const World& world, std::shared_ptr<Listener>* out) {
    {
        const std::lock_guard<std::mutex> lock(g_mutex);
        for (const auto& listener : all()) {
            if (listener->world_number == world.number && listener->attached < kPortsOfListenerMax) {
                ++listener->attached;
                *out = listener;
                return QIPC_OK;
            }
        }
    }
    return make_listener(world, out);
}

void listener_release(Listener& listener) noexcept {
    const std::lock_guard<std::mutex> lock(g_mutex);
    --listener.attached;
}

int32_t listener_attach(Subscriber& subscriber) noexcept {
    const iox_ListenerResult outcome = iox_listener_attach_subscriber_event_with_context_data(
        subscriber.listener->listener, subscriber.sub, SubscriberEvent_DATA_RECEIVED, on_data, &subscriber);
    if (outcome == ListenerResult_SUCCESS || outcome == ListenerResult_EVENT_ALREADY_ATTACHED) {
        return QIPC_OK;
    }
    return fail(QIPC_E_INTERNAL, static_cast<double>(outcome), 0, "The stack refused to listen with %d",
                static_cast<int>(outcome));
}

void listener_detach(Subscriber& subscriber) noexcept {
    iox_listener_detach_subscriber_event(subscriber.listener->listener, subscriber.sub, SubscriberEvent_DATA_RECEIVED);
}

void listener_end_all(const World& world) {
    std::vector<std::shared_ptr<Listener>> listeners;
    {
        const std::lock_guard<std::mutex> lock(g_mutex);
        std::erase_if(all(), [&](const std::shared_ptr<Listener>& listener) {
            const bool is_its = listener->world_number == world.number;
            if (is_its) {
                listeners.push_back(listener);
            }
            return is_its;
        });
    }
    for (const auto& listener : listeners) {
        if (condition_is_ours(world, listener->condition)) {
            iox_listener_deinit(listener->listener);
        } else {
            end_removed(listener);
        }
    }
}

void detach_removed(Subscriber& subscriber) {
    if (subscriber.sub == nullptr) {
        return;
    }
    using iox::popo::SubscriberPortData;
    // Detaching ends with a write to the port; it goes to one that nobody uses.
    const auto nobody = std::make_unique<SubscriberPortData>(
        iox::capro::ServiceDescription(), iox::RuntimeName_t(),
        iox::cxx::VariantQueueTypes::SoFi_MultiProducerSingleConsumer, iox::popo::SubscriberOptions());
    subscriber.sub->m_portData = nobody.get();
    subscriber.sub->m_trigger.reset();
    subscriber.sub->m_portData = nullptr;
}

} // namespace qipc
