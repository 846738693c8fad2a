// SPDX-License-Identifier: Apache-2.0
//
// The C ABI as a sequence of calls, on two threads, against a real daemon. Statuses are compared with what is known of the
// handles, blocks with what was written into them; a ring's segments are written over as a hostile peer would. To be run by
// c_shim/tests/with_roudi.sh. Left out: the end of the process, which comes once.
#include "abi_ring.hpp"

#include <cmath>

using namespace fuzz;

namespace {

/** A loaded machine's daemon may take its time, and what is looked for here is no deadline. */
constexpr char kOptions[] = "timeout_ms=20000\n";
constexpr uint32_t kOpsMax = 64;
constexpr uint32_t kThreads = 2;

class Session : public RingCalls {
  public:
    explicit Session(Input& input) : RingCalls(input) {
        Opened base;
        base.handle = g_runtime;
        base.kind = Kind::runtime;
        m_handles.add(base);
    }

    void run() {
        for (uint32_t i = 0; i < kOpsMax && !m_input.is_over(); ++i) {
            on(m_input.rarely(10) ? 1 : 0, [this] { step(); });
        }
        finish();
    }

  private:
    void on(uint32_t thread, const std::function<void()>& job) {
        m_here = thread;
        if (thread == 0) {
            job();
            return;
        }
        if (m_elsewhere == nullptr) {
            m_elsewhere = std::make_unique<Elsewhere>();
        }
        m_elsewhere->run(job);
    }

    void open_runtime() {
        constexpr const char* lines[] = {"name=other\n",      "daemon=require\n",     "daemon=spawn\n", "daemon_keep=1\n",
                                         "pool_bytes=1\n",    "timeout_ms=0\n",       "log=off\n",      "access_readers=root\n",
                                         "timeout_ms=99999\n", "access_writers=a b\n", "log=none\n",     "timeout_ms=500\n"};
        std::string text;
        if (m_input.rarely(3)) {
            for (uint32_t count = m_input.below(4); count > 0; --count) {
                text += m_input.one_of(lines);
            }
            text += m_input.text(m_input.below(16));
        } else {
            text = kOptions;
        }
        const Exact bytes(text);
        uint8_t* const to = result();
        if (judged(qipc_runtime_open(bytes.bytes(), static_cast<uint32_t>(text.size()), to), {}) == QIPC_OK) {
            record(Kind::runtime, 0);
            HOLDS(found<uint32_t>(4) <= QIPC_NAME_BYTES_MAX);
        }
    }

    void close_runtime(uint32_t handle) {
        Opened* const runtime = m_handles.find(handle);
        const bool is_good = m_handles.judge(handle, Kind::runtime, m_here) == Verdict::good;
        if (is_good) {
            // What is closed in bulk stays mapped, so that is left for now and then.
            m_handles.each_open([this, handle](Opened& ring) {
                if (ring.kind == Kind::ring && ring.runtime == handle && ring.thread == m_here && !m_input.rarely(8)) {
                    close_ring(ring.handle);
                }
            });
        }
        if (judged(qipc_runtime_close(handle), {{handle, Kind::runtime}}) == QIPC_OK && runtime != nullptr) {
            runtime->is_open = false;
            m_handles.each_open([this, handle](Opened& one) {
                if (one.runtime == handle && one.thread == m_here) {
                    forget(one);
                }
            });
        }
    }

    void ask_runtime() {
        const uint32_t runtime = number(Kind::runtime);
        switch (m_input.below(8)) {
        case 0:
            if (judged(qipc_runtime_state(runtime, result()), {{runtime, Kind::runtime}}) == QIPC_OK) {
                HOLDS(found<uint32_t>(0) == 1 || found<uint32_t>(0) == 2);
            }
            break;
        case 1:
            judged(qipc_runtime_attach_again(runtime), {{runtime, Kind::runtime}});
            break;
        case 2:
            judged(qipc_runtime_bind_numa(runtime, result()), {{runtime, Kind::runtime}});
            break;
        default: {
            const uint32_t length = m_input.rarely(4) ? m_input.byte() : 16384;
            const Exact buffer(length, 8);
            uint8_t* const to = result();
            const int32_t status = judged(qipc_runtime_streams(runtime, buffer.bytes(), length, to), {{runtime, Kind::runtime}});
            if (status == QIPC_OK) {
                walk(buffer.bytes(), found<uint32_t>(0), found<uint32_t>(4), length);
            }
        }
        }
    }

    /** The entries of a list of streams lie one behind the other, and their names in them. */
    static void walk(const uint8_t* at, uint32_t count, uint32_t needed, uint32_t length) {
        HOLDS(needed <= length);
        const uint8_t* const end = at + needed;
        for (uint32_t i = 0; i < count; ++i) {
            uint32_t bytes = 0;
            uint16_t names[3];
            HOLDS(end - at >= 20);
            std::memcpy(&bytes, at, sizeof bytes);
            std::memcpy(names, at + 12, sizeof names);
            HOLDS(bytes % 8 == 0 && bytes >= 20u + names[0] + names[1] + names[2]);
            HOLDS(bytes <= static_cast<size_t>(end - at));
            at += bytes;
        }
        HOLDS(at == end);
    }

    void close_any() {
        switch (m_input.below(5)) {
        case 0: {
            const uint32_t handle = number(Kind::runtime);
            // The one that stays is closed rarely: it takes the connection with it.
            if (handle != g_runtime || m_input.rarely(32)) {
                close_runtime(handle);
            }
            break;
        }
        case 1:
            close_with(qipc_publisher_close, Kind::publisher);
            break;
        case 2:
            close_with(qipc_subscriber_close, Kind::subscriber);
            break;
        case 3:
            close_with(qipc_waiter_close, Kind::waiter);
            break;
        default:
            close_ring(number(Kind::ring));
        }
    }

    void close_with(int32_t (*close)(uint32_t), Kind kind) {
        const uint32_t handle = number(kind);
        if (judged(close(handle), {{handle, kind}}) == QIPC_OK) {
            forget(*m_handles.find(handle));
        }
    }

    void ask_process() {
        switch (m_input.below(6)) {
        case 4:
            check_block();
            break;
        case 0:
            HOLDS(std::isfinite(qipc_clock_since_ns(m_input.word(), m_input.word())));
            break;
        case 1: // of a CPU that no machine has
            judged(qipc_thread_pin(m_input.word() | 0x10000u), {});
            break;
        case 2:
            judged(qipc_thread_affinity(result()), {});
            break;
        case 3: {
            const Name group = name({"root", "no such group"});
            judged(qipc_group_id(group.bytes(), group.length, result()), {});
            break;
        }
        default: {
            // Nothing that is still looked at.
            const uint32_t window = m_input.word();
            bool is_held = false;
            m_handles.each_open([&is_held](const Opened& one) { is_held = is_held || !one.held.empty(); });
            if (!is_held) {
                judged(qipc_window_unmap(m_input.rarely(2) ? window : 1 + window % 8), {});
            }
        }
        }
    }

    /** A block of anything, as a peer may have left it. */
    void check_block() {
        const Exact memory(QAULTRA_BLOCK_SIZE);
        const std::string header = m_input.text(QAULTRA_BLOCK_HEADER_SIZE);
        std::memcpy(memory.bytes(), header.data(), header.size());
        HOLDS(judged(qipc_block_check(memory.bytes(), 0), {}) <= QAULTRA_BLOCK_CORRUPT);
        if (m_input.rarely(2)) {
            uint64_t sequence = 0;
            std::memcpy(&sequence, memory.bytes(), sizeof sequence);
            HOLDS(qipc_block_seal(memory.bytes(), 0, static_cast<uint32_t>(sequence), static_cast<uint32_t>(sequence >> 32)) ==
                  QIPC_OK);
            HOLDS(qipc_block_check(memory.bytes(), 0) == QAULTRA_BLOCK_SOUND);
        }
    }

    void step() {
        switch (m_input.below(20)) {
        case 0:
            open_runtime();
            break;
        case 1:
            ask_runtime();
            break;
        case 2:
        case 3:
            open_port();
            break;
        case 4:
        case 5:
            loan();
            break;
        case 6:
        case 7:
            use_publisher();
            break;
        case 8:
        case 9:
            take();
            break;
        case 10:
        case 11:
            use_subscriber();
            break;
        case 12:
            use_waiter();
            break;
        case 13:
            make_ring();
            break;
        case 14:
            attach_ring();
            break;
        case 15:
            spoil_ring();
            break;
        case 16:
        case 17:
            use_ring();
            break;
        case 18:
            close_any();
            break;
        default:
            ask_process();
        }
    }

    /** Everything but the one runtime is closed, so that the next input finds what this one found. */
    void finish() {
        for (uint32_t thread = 0; thread < kThreads; ++thread) {
            if (thread == 1 && m_elsewhere == nullptr) {
                continue;
            }
            on(thread, [this] {
                for (const Kind kind : {Kind::ring, Kind::waiter, Kind::subscriber, Kind::publisher, Kind::runtime}) {
                    m_handles.each_open([this, kind](const Opened& one) { finish(one, kind); });
                }
            });
        }
        m_elsewhere.reset();
        if (!m_handles.find(g_runtime)->is_open) {
            g_runtime = 0;
        }
    }

    void finish(const Opened& one, Kind kind) {
        if (one.kind != kind || one.thread != m_here || one.handle == g_runtime) {
            return;
        }
        const uint32_t handle = one.handle;
        switch (kind) {
        case Kind::ring:
            close_ring(handle);
            break;
        case Kind::waiter:
            HOLDS(judged(qipc_waiter_close(handle), {}) == QIPC_OK);
            forget(*m_handles.find(handle));
            break;
        case Kind::subscriber:
            // What is held is looked at once more.
            while (!m_handles.find(handle)->held.empty()) {
                const uint32_t slot = m_handles.find(handle)->held.back().slot;
                release(handle, slot);
                let_go(handle, slot);
            }
            HOLDS(judged(qipc_subscriber_close(handle), {}) == QIPC_OK);
            forget(*m_handles.find(handle));
            break;
        case Kind::publisher:
            HOLDS(judged(qipc_publisher_close(handle), {}) == QIPC_OK);
            forget(*m_handles.find(handle));
            break;
        default:
            close_runtime(handle);
        }
    }

    std::unique_ptr<Elsewhere> m_elsewhere;
};

/** Before the end of the process, at which connections stay as they are. */
void disconnect() {
    HOLDS(g_runtime == 0 || qipc_runtime_close(g_runtime) == QIPC_OK);
}

/** Connects, or connects anew: a machine under load may have kept this process from telling the daemon that it lives. */
void connect() {
    static bool is_first = true;
    alignas(8) uint8_t result[QIPC_RESULT_BYTES];
    if (g_runtime == 0) {
        HOLDS(qipc_runtime_open(reinterpret_cast<const uint8_t*>(kOptions), sizeof kOptions - 1, result) == QIPC_OK);
        std::memcpy(&g_runtime, result, sizeof g_runtime);
        // After the library has told what it does at the end, so that this comes before it.
        HOLDS(!std::exchange(is_first, false) || std::atexit(disconnect) == 0);
    }
    HOLDS(qipc_runtime_attach_again(g_runtime) == QIPC_OK);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
    Input input(bytes, length);
    connect();
    Session(input).run();
    return 0;
}
