// SPDX-License-Identifier: Apache-2.0
#include "parking.hpp"

#include "exit.hpp"

#include "iceoryx_binding_c/internal/cpp2c_waitset.hpp"
#include "iceoryx_posh/internal/popo/building_blocks/condition_variable_data.hpp"

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <vector>

namespace qipc {
namespace {

using Clock = std::chrono::steady_clock;

/** How often a parked thread is woken at the end of the process, until it is awake. */
constexpr std::chrono::milliseconds kWakeInterval{2};

/** Condition variables of the threads that are parked now. */
struct Parked {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<iox::popo::ConditionVariableData*> conditions;
    bool is_barred = false; // nobody may park
};

Parked& parked() {
    static Parked& instance = *new Parked;
    return instance;
}

} // namespace

bool park(iox_ws_t set, iox::popo::ConditionVariableData& condition, std::chrono::nanoseconds time) {
    Parked& here = parked();
    {
        const std::lock_guard<std::mutex> lock(here.mutex);
        if (process_is_exiting()) {
            return false;
        }
        if (here.is_barred) {
            return true;
        }
        here.conditions.push_back(&condition);
    }
    iox_notification_info_t notifications[1];
    uint64_t missed = 0;
    timespec timeout;
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    timeout.tv_nsec = (time % std::chrono::seconds(1)).count();
    iox_ws_timed_wait(set, timeout, notifications, 1, &missed);
    const std::lock_guard<std::mutex> lock(here.mutex);
    here.conditions.erase(std::find(here.conditions.begin(), here.conditions.end(), &condition));
    here.changed.notify_all();
    return !process_is_exiting();
}

bool wake_parked_threads(uint32_t wait_ms) noexcept {
    Parked& here = parked();
    const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(wait_ms);
    std::unique_lock<std::mutex> lock(here.mutex);
    const auto none_parked = [&here] { return here.conditions.empty(); };
    for (;;) {
        // Again and again: a thread that is about to sleep empties the semaphore first, and this wake-up with it.
        for (iox::popo::ConditionVariableData* condition : here.conditions) {
            if (condition->m_semaphore.post().has_error()) {
                return false;
            }
        }
        if (here.changed.wait_until(lock, std::min(deadline, Clock::now() + kWakeInterval), none_parked)) {
            return true;
        }
        if (Clock::now() >= deadline) {
            return false;
        }
    }
}

bool parking_bar(uint32_t wait_ms) noexcept {
    {
        Parked& here = parked();
        const std::lock_guard<std::mutex> lock(here.mutex);
        here.is_barred = true;
    }
    return wake_parked_threads(wait_ms);
}

void parking_open() noexcept {
    Parked& here = parked();
    const std::lock_guard<std::mutex> lock(here.mutex);
    here.is_barred = false;
}

} // namespace qipc
