// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz target of the C ABI knows of the handles that it was given, and another thread to call from.
#pragma once

#include "input.hpp"

#include "check.hpp"
#include "handle.hpp"

#include "qaultra_ipc/qipc.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace fuzz {

using qipc::Kind;

struct Held {
    uint32_t slot;
    uint64_t word;
    const uint8_t* bytes; // null where it was not mapped
};

struct Opened {
    uint32_t handle = 0;
    Kind kind = Kind::none;
    uint32_t runtime = 0;
    uint32_t thread = 0;
    bool is_open = true;
    int socket = -1;
    uint32_t payload_size = 0;
    uint64_t epoch = 0;
    /** Of a ring: what is mapped, and may be written. */
    uint32_t* data = nullptr;
    uint64_t data_bytes = 0;
    uint32_t* table = nullptr;
    uint64_t table_bytes = 0;
    std::vector<Held> held;
};

/** What a call must answer to a handle. */
enum class Verdict { unknown, good, bad, closed, wrong_thread };

class Handles {
  public:
    Opened& add(const Opened& opened) {
        m_all.push_back(std::make_unique<Opened>(opened));
        return *m_all.back();
    }

    /** The one that is open under this number, or the last that was. */
    Opened* find(uint32_t handle) const {
        for (auto at = m_all.rbegin(); at != m_all.rend(); ++at) {
            if ((*at)->handle == handle) {
                return at->get();
            }
        }
        return nullptr;
    }

    /** Any of a kind, open or closed, rather one of this thread; null when there is none. */
    Opened* pick(Input& input, Kind kind, uint32_t thread) const {
        const uint8_t which = input.byte();
        std::vector<Opened*> some;
        for (const auto& one : m_all) {
            const bool is_wanted = one->kind == kind && ((one->is_open && one->thread == thread) || which >= 224);
            if (is_wanted) {
                some.push_back(one.get());
            }
        }
        return some.empty() ? nullptr : some[which % some.size()];
    }

    /** A handle for a call that wants this kind: mostly such a one, else another or any number. */
    uint32_t number(Input& input, Kind kind, uint32_t thread) const {
        const uint8_t way = input.byte();
        if (way >= 250) {
            return input.word();
        }
        if (way >= 240 && !m_all.empty()) {
            return m_all[input.below(static_cast<uint32_t>(m_all.size()))]->handle;
        }
        const Opened* const one = pick(input, kind, thread);
        return one != nullptr ? one->handle : 0;
    }

    Verdict judge(uint32_t handle, Kind kind, uint32_t thread) const {
        const Opened* const one = find(handle);
        if (one == nullptr) {
            return Verdict::unknown;
        }
        if (!one->is_open) {
            return Verdict::closed;
        }
        if (one->kind != kind) {
            return Verdict::bad;
        }
        return one->thread == thread ? Verdict::good : Verdict::wrong_thread;
    }

    template <typename Visit>
    void each_open(Visit&& visit) {
        // By number: what is visited may add to them.
        for (size_t i = m_all.size(); i > 0; --i) {
            if (m_all[i - 1]->is_open) {
                visit(*m_all[i - 1]);
            }
        }
    }

  private:
    std::vector<std::unique_ptr<Opened>> m_all;
};

/** A thread that runs one thing at a time for another, and ends with its handles open unless it was told to close them. */
class Elsewhere {
  public:
    Elsewhere() : m_thread([this] { serve(); }) {}

    ~Elsewhere() {
        run({});
        m_thread.join();
    }

    void run(std::function<void()> job) {
        std::unique_lock<std::mutex> lock(m_mutex);
        m_job = std::move(job);
        m_has_job = true;
        m_changed.notify_all();
        m_changed.wait(lock, [this] { return !m_has_job; });
    }

  private:
    void serve() {
        std::unique_lock<std::mutex> lock(m_mutex);
        for (;;) {
            m_changed.wait(lock, [this] { return m_has_job; });
            const bool is_last = !m_job;
            if (!is_last) {
                m_job();
            }
            m_has_job = false;
            m_changed.notify_all();
            if (is_last) {
                return;
            }
        }
    }

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::function<void()> m_job;
    bool m_has_job = false;
    std::thread m_thread;
};

} // namespace fuzz
