// SPDX-License-Identifier: Apache-2.0
//
// Armings of one word share a group, whatever waiter and ring handle they belong to, and a group lies with one sleeper: so
// however many wait for a block, one thread is woken. A sleeper has a control word of its own, which is changed to have it
// look at its groups anew. Where the kernel lets a thread sleep on one word only, a sleeper has one group, and comes back for
// the next when that word has changed.
#include "ring_waiter.hpp"

#include "background_thread.hpp"
#include "ring_sleep.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

namespace qipc {
namespace {

constexpr char kThreadName[] = "qipc-ring-wait";

/** Nobody needs to wake a sleeper for it to look again: who changed a word may have been killed before it woke anybody. */
constexpr uint64_t kLookMs = 500;

struct Arming {
    Waiter* waiter;
    const Ring* ring;
};

/** All who wait for a change of one word from one value. */
struct Group {
    std::shared_ptr<RingMemory> memory; // of any of the rings: their segments are the same
    uint32_t word;
    uint32_t expected;
    std::vector<Arming> armings;
};

struct Sleeper {
    std::vector<Group> groups;
    std::atomic<uint32_t> control{0};
    bool is_on_one_word = false; // asleep, and deaf to its control word
};

/** The mutex is held to look at words and to change lists, and for the byte that is sent, which never waits. */
struct Sleepers {
    std::mutex mutex;
    std::vector<std::unique_ptr<Sleeper>> all;
};

Sleepers& sleepers() {
    static Sleepers& instance = *new Sleepers;
    return instance;
}

uint32_t groups_max() noexcept {
    return can_sleep_on_many() ? kSleepWordsMax - 1 : 1;
}

bool has_changed(const Group& group) noexcept {
    return __atomic_load_n(group.memory->word(group.word), __ATOMIC_SEQ_CST) != group.expected;
}

void signal_all(Group& group) noexcept {
    for (const Arming& arming : group.armings) {
        waiter_signal(*arming.waiter);
    }
    group.armings.clear();
}

/** Has the sleeper look at its groups. */
void rouse(Sleeper& sleeper) noexcept {
    sleeper.control.fetch_add(1);
    wake_private(reinterpret_cast<const uint32_t*>(&sleeper.control));
}

/** Tells whom a change concerns, and forgets groups that nobody waits in. */
void look(Sleeper& sleeper) noexcept {
    for (Group& group : sleeper.groups) {
        if (has_changed(group)) {
            signal_all(group);
        }
    }
    std::erase_if(sleeper.groups, [](const Group& group) { return group.armings.empty(); });
}

void sleep_for_ever(void* context) {
    Sleeper& self = *static_cast<Sleeper*>(context);
    Sleepers& here = sleepers();
    SleepWord words[kSleepWordsMax];
    std::shared_ptr<RingMemory> memories[kSleepWordsMax]; // a ring may be closed while its word is slept on
    std::unique_lock<std::mutex> lock(here.mutex);
    for (;;) {
        look(self);
        const bool is_idle = self.groups.empty();
        self.is_on_one_word = !is_idle && !can_sleep_on_many();
        uint32_t count = 0;
        for (const Group& group : self.groups) {
            memories[count] = group.memory;
            words[count++] = {group.memory->word(group.word), group.expected, true};
        }
        words[count++] = {reinterpret_cast<const uint32_t*>(&self.control), self.control.load(), false};
        lock.unlock();
        sleep_on(words, count, is_idle ? UINT64_MAX / 2 : now_ns() + ms_to_ns(kLookMs));
        for (uint32_t i = 0; i + 1 < count; ++i) {
            memories[i].reset();
        }
        lock.lock();
        self.is_on_one_word = false;
    }
}

Group* find_group(Sleepers& here, uint64_t epoch, uint32_t word, Sleeper** owner) noexcept {
    for (const auto& sleeper : here.all) {
        for (Group& group : sleeper->groups) {
            if (group.memory->epoch == epoch && group.word == word) {
                *owner = sleeper.get();
                return &group;
            }
        }
    }
    return nullptr;
}

/** A sleeper with room for one group more; null when no thread can be started. */
Sleeper* find_sleeper(Sleepers& here) {
    for (const auto& sleeper : here.all) {
        if (sleeper->groups.size() < groups_max() && !sleeper->is_on_one_word) {
            return sleeper.get();
        }
    }
    auto fresh = std::make_unique<Sleeper>();
    here.all.reserve(here.all.size() + 1);
    if (!start_background_thread(kThreadName, sleep_for_ever, fresh.get())) {
        return nullptr;
    }
    here.all.push_back(std::move(fresh));
    return here.all.back().get();
}

/** Takes armings back wherever they are. `rouses`: a sleeper that has some shall let go of the memory soon; otherwise it finds out
 * when it next looks. */
template <typename Condition>
void disarm(bool rouses, Condition&& condition) noexcept {
    Sleepers& here = sleepers();
    const std::lock_guard<std::mutex> lock(here.mutex);
    for (const auto& sleeper : here.all) {
        size_t count = 0;
        for (Group& group : sleeper->groups) {
            count += std::erase_if(group.armings, [&](const Arming& arming) { return condition(group, arming); });
        }
        if (rouses && count > 0) {
            rouse(*sleeper);
        }
    }
}

} // namespace

int32_t ring_arm(Waiter& waiter, const Ring& ring, uint32_t word, uint32_t expected) {
    Sleepers& here = sleepers();
    const std::lock_guard<std::mutex> lock(here.mutex);
    Sleeper* sleeper = nullptr;
    Group* group = find_group(here, ring.memory->epoch, word, &sleeper);
    if (group != nullptr) {
        std::erase_if(group->armings,
                      [&](const Arming& arming) { return arming.waiter == &waiter && arming.ring == &ring; });
    }
    if (__atomic_load_n(ring.memory->word(word), __ATOMIC_SEQ_CST) != expected) {
        waiter_signal(waiter);
        return QIPC_OK;
    }
    if (group != nullptr) {
        group->armings.push_back({&waiter, &ring});
        if (group->expected != expected) {
            // The word has moved on, so all who waited for that are due. Their sleeper does not know the new value yet.
            group->armings.pop_back();
            signal_all(*group);
            group->armings.push_back({&waiter, &ring});
            group->expected = expected;
            rouse(*sleeper);
        }
        return QIPC_OK;
    }
    sleeper = find_sleeper(here);
    if (sleeper == nullptr) {
        return fail(QIPC_E_SYSTEM, errno, 0, "Cannot wait for a ring: no thread could be started");
    }
    sleeper->groups.push_back({ring.memory, word, expected, {{&waiter, &ring}}});
    rouse(*sleeper);
    return QIPC_OK;
}

void ring_disarm(const Waiter& waiter, const Ring& ring, uint32_t word) noexcept {
    disarm(false, [&](const Group& group, const Arming& arming) {
        return arming.waiter == &waiter && arming.ring == &ring && group.word == word;
    });
}

void ring_disarm_all(const Ring& ring) noexcept {
    disarm(true, [&](const Group&, const Arming& arming) { return arming.ring == &ring; });
}

void ring_disarm_all(const Waiter& waiter) noexcept {
    disarm(false, [&](const Group&, const Arming& arming) { return arming.waiter == &waiter; });
}

} // namespace qipc
