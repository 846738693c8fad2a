// SPDX-License-Identifier: Apache-2.0
#include "lease.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace qipc {
namespace {

struct Leases {
    std::mutex mutex;
    std::condition_variable changed;
    uint32_t count = 0;
    bool are_all_taken = false;
    std::shared_ptr<World> current;
};

Leases& leases() {
    static Leases& instance = *new Leases;
    return instance;
}

World& take_lease(std::shared_ptr<World>& place) {
    Leases& here = leases();
    std::unique_lock<std::mutex> lock(here.mutex);
    here.changed.wait(lock, [&here] { return !here.are_all_taken; });
    ++here.count;
    // At the end of the process there is no current one any more; the old one then says so itself.
    if (here.current != nullptr && here.current != place) {
        place = here.current;
    }
    return *place;
}

bool take_all_leases(uint32_t wait_ms) {
    Leases& here = leases();
    std::unique_lock<std::mutex> lock(here.mutex);
    const auto are_free = [&here] { return here.count == 0 && !here.are_all_taken; };
    if (!here.changed.wait_for(lock, std::chrono::milliseconds(wait_ms), are_free)) {
        return false;
    }
    here.are_all_taken = true;
    return true;
}

} // namespace

std::shared_ptr<World> world_current() noexcept {
    const std::lock_guard<std::mutex> lock(leases().mutex);
    return leases().current;
}

void world_set_current(std::shared_ptr<World> world) noexcept {
    const std::lock_guard<std::mutex> lock(leases().mutex);
    leases().current.swap(world);
}

WorldLease::WorldLease(std::shared_ptr<World>& place) : m_world(take_lease(place)) {}

WorldLease::~WorldLease() {
    Leases& here = leases();
    const std::lock_guard<std::mutex> lock(here.mutex);
    if (--here.count == 0) {
        here.changed.notify_all();
    }
}

AllLeases::AllLeases(uint32_t wait_ms) : are_taken(take_all_leases(wait_ms)) {}

AllLeases::~AllLeases() {
    if (are_taken) {
        Leases& here = leases();
        const std::lock_guard<std::mutex> lock(here.mutex);
        here.are_all_taken = false;
        here.changed.notify_all();
    }
}

int32_t refuse_world_that_is_down() noexcept {
    return fail(QIPC_E_DAEMON_GONE, 0, 0, "The daemon is gone, and this process has not attached to another yet");
}

} // namespace qipc
