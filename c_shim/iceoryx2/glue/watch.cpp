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
constexpr std::chrono::milliseconds kGiveBackInterval{1000}; // for publishers that are gone, while there are ports

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

/** The caller has the port. */
void connect(Publisher& publisher) noexcept {
    if (publisher.port != nullptr) {
        iox2_publisher_connect(publisher.port);
    }
}

/** Whoever has the port at this moment most likely sends, which connects as well, and there is a next time. */
void try_to_connect(Publisher& publisher) noexcept {
    if (publisher.lock.try_take()) {
        connect(publisher);
        publisher.lock.give_back();
    }
}

/** Lets a subscriber open the memory of publishers that have come: of one that is gone before, it gets nothing. */
void meet(Subscriber& subscriber) noexcept {
    if (subscriber.lock.try_take()) {
        if (subscriber.port != nullptr) {
            iox2_subscriber_has_data(subscriber.port);
        }
        subscriber.lock.give_back();
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
    const bool has_data =
        subscriber.is_armed.load(std::memory_order_relaxed) &&
        (subscriber.port == nullptr || !subscriber.ready.empty() || iox2_subscriber_has_data(subscriber.port) == 1);
    if (has_data) {
        subscriber.is_armed.store(false, std::memory_order_relaxed);
        waiter_signal(*subscriber.waiter);
    }
    subscriber.lock.give_back();
    return !has_data;
}

/** Whether a port of this process may still use the memory of a publisher. */
bool is_used(const Watch& here, const uint64_t* publisher) noexcept {
    for (const Publisher* const own : here.publishers) {
        if (own->id[0] == publisher[0] && own->id[1] == publisher[1]) {
            return true;
        }
    }
    for (Subscriber* const subscriber : here.subscribers) {
        if (!subscriber->lock.try_take()) {
            return true; // it is looked again
        }
        const bool uses = subscriber_uses(*subscriber, publisher);
        subscriber->lock.give_back();
        if (uses) {
            return true;
        }
    }
    return false;
}

void look(void*) {
    Watch& here = watch();
    std::unique_lock<std::mutex> lock(here.mutex);
    Clock::time_point next_connect = Clock::now();
    Clock::time_point next_give_back = next_connect;
    for (;;) {
        here.is_hurried = false;
        const Clock::time_point now = Clock::now();
        if (now >= next_connect) {
            for (Publisher* const publisher : here.publishers) {
                try_to_connect(*publisher);
            }
            for (Subscriber* const subscriber : here.subscribers) {
                meet(*subscriber);
            }
            next_connect = now + kConnectInterval;
        }
        if (now >= next_give_back) {
            window_give_back([&here](const uint64_t* publisher) { return is_used(here, publisher); });
            next_give_back = now + kGiveBackInterval;
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
        } else if (!here.publishers.empty() || !here.subscribers.empty()) {
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
    // Each of them: a subscriber that is not told of a ring now would find it too late, and miss uncounted what is sent till then.
    for (Publisher* const publisher : here.publishers) {
        const PortLockGuard port(publisher->lock);
        connect(*publisher);
    }
}

void watch_meet() noexcept {
    Watch& here = watch();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (Subscriber* const subscriber : here.subscribers) {
        meet(*subscriber);
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
