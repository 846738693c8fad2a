// SPDX-License-Identifier: Apache-2.0
#include "watch.hpp"

#include "background_thread.hpp"
#include "clock.hpp"
#include "publisher.hpp"
#include "subscriber.hpp"
#include "waiter.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <vector>

namespace qipc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kThreadName[] = "qipc-iox2-watch";
constexpr std::chrono::milliseconds kLookInterval{1};     // for data, while somebody waits
constexpr std::chrono::milliseconds kConnectInterval{10}; // for subscribers that have come, while there are publishers

struct Watch {
    std::mutex mutex; // held while ports are looked at: who removes one waits for the look to end
    std::condition_variable changed;
    std::vector<Publisher*> publishers;
    std::vector<Subscriber*> subscribers;
    bool has_thread = false;
    bool is_hurried = false;
    bool has_ended = false;
};

Watch& watch() {
    static Watch& instance = *new Watch; // never destroyed: the thread may outlive the static destructors
    return instance;
}

/** Whoever has the port at this moment is sending, which connects as well. */
void connect(Publisher& publisher) noexcept {
    if (publisher.lock.try_take()) {
        if (publisher.port != nullptr) {
            iox2_publisher_connect(publisher.port);
        }
        publisher.lock.give_back();
    }
}

/** Tells the waiter of an armed subscriber. Returns whether it still is armed. */
bool look_for_data(Subscriber& subscriber) noexcept {
    if (!subscriber.is_armed.load(std::memory_order_relaxed)) {
        return false;
    }
    if (!subscriber.lock.try_take()) {
        return true;
    }
    const bool has_data = subscriber.is_armed.load(std::memory_order_relaxed) &&
                          (subscriber.port == nullptr || iox2_subscriber_has_data(subscriber.port) == 1);
    if (has_data) {
        subscriber.is_armed.store(false, std::memory_order_relaxed);
        waiter_signal(*subscriber.waiter);
    }
    subscriber.lock.give_back();
    return !has_data;
}

void look(void*) {
    Watch& here = watch();
    std::unique_lock<std::mutex> lock(here.mutex);
    Clock::time_point next_connect = Clock::now();
    for (;;) {
        here.is_hurried = false;
        const Clock::time_point now = Clock::now();
        if (now >= next_connect) {
            for (Publisher* const publisher : here.publishers) {
                connect(*publisher);
            }
            next_connect = now + kConnectInterval;
        }
        bool is_any_armed = false;
        for (Subscriber* const subscriber : here.subscribers) {
            is_any_armed = look_for_data(*subscriber) || is_any_armed;
        }
        const auto is_hurried = [&here] { return here.is_hurried; };
        if (is_any_armed) {
            // Not woken by another who arms: the next look is soon.
            lock.unlock();
            sleep_ns(std::chrono::nanoseconds(kLookInterval).count());
            lock.lock();
        } else if (!here.publishers.empty()) {
            here.changed.wait_until(lock, next_connect, is_hurried);
        } else {
            here.changed.wait(lock, is_hurried);
        }
    }
}

template <typename Port>
bool add(std::vector<Port*>& ports, Port* port) {
    Watch& here = watch();
    const std::lock_guard<std::mutex> lock(here.mutex);
    if (!here.has_thread) {
        here.has_thread = start_background_thread(kThreadName, look, nullptr);
    }
    if (!here.has_thread || here.has_ended) {
        return false;
    }
    ports.push_back(port);
    here.is_hurried = true;
    here.changed.notify_all();
    return true;
}

template <typename Port>
bool remove(std::vector<Port*>& ports, const Port* port) noexcept {
    Watch& here = watch();
    const std::lock_guard<std::mutex> lock(here.mutex);
    std::erase(ports, port);
    return !here.has_ended;
}

} // namespace

bool watch_add(Publisher* publisher) {
    return add(watch().publishers, publisher);
}

bool watch_add(Subscriber* subscriber) {
    return add(watch().subscribers, subscriber);
}

bool watch_remove(const Publisher* publisher) noexcept {
    return remove(watch().publishers, publisher);
}

bool watch_remove(const Subscriber* subscriber) noexcept {
    return remove(watch().subscribers, subscriber);
}

void watch_hurry() noexcept {
    Watch& here = watch();
    const std::lock_guard<std::mutex> lock(here.mutex);
    here.is_hurried = true;
    here.changed.notify_all();
}

void watch_connect() noexcept {
    Watch& here = watch();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (Publisher* const publisher : here.publishers) {
        connect(*publisher);
    }
}

void watch_end_world(uint64_t world) noexcept {
    Watch& here = watch();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (Subscriber* const subscriber : here.subscribers) {
        const PortLockGuard port(subscriber->lock);
        if (subscriber->world->number == world) {
            subscriber_end_port(*subscriber);
        }
    }
    for (Publisher* const publisher : here.publishers) {
        const PortLockGuard port(publisher->lock);
        if (publisher->world->number == world) {
            publisher_end_port(*publisher);
        }
    }
}

void watch_end_all() noexcept {
    const std::lock_guard<std::mutex> control(control_mutex());
    Watch& here = watch();
    const std::lock_guard<std::mutex> lock(here.mutex);
    here.has_ended = true;
    for (Subscriber* const subscriber : here.subscribers) {
        const PortLockGuard port(subscriber->lock);
        subscriber_end_port(*subscriber);
    }
    for (Publisher* const publisher : here.publishers) {
        const PortLockGuard port(publisher->lock);
        publisher_end_port(*publisher);
    }
}

} // namespace qipc
