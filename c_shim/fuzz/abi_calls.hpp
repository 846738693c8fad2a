// SPDX-License-Identifier: Apache-2.0
//
// What calls of the C ABI need: arguments from the input, a buffer for the result, and a judgement of the status.
#pragma once

#include "abi_model.hpp"

#include <initializer_list>
#include <limits>
#include <unistd.h>

namespace fuzz {

/** Open from input to input, because a connection takes longer than all of the rest. */
inline uint32_t g_runtime = 0;

class Calls {
  public:
    explicit Calls(Input& input) : m_input(input) {}

  protected:
    struct Named {
        uint32_t handle;
        Kind kind;
    };

    /** What holds for every status: known, with a text, and nothing about handles that is not so. */
    int32_t judged(int32_t status, std::initializer_list<Named> handles) {
        HOLDS(status >= 0 || std::strcmp(qipc_status_string(status), "QIPC_UNKNOWN") != 0);
        bool is_refused = false;
        bool may_be_refused = false;
        for (const Named& one : handles) {
            const Verdict verdict = m_handles.judge(one.handle, one.kind, m_here);
            is_refused = is_refused || verdict == Verdict::bad || verdict == Verdict::closed || verdict == Verdict::wrong_thread;
            may_be_refused = may_be_refused || verdict != Verdict::good;
        }
        HOLDS(!is_refused || status < 0);
        HOLDS(may_be_refused || status != QIPC_E_WRONG_THREAD);
        HOLDS(may_be_refused || status != QIPC_E_CLOSED);
        if (status < 0) {
            const Exact result(QIPC_RESULT_BYTES);
            const uint32_t length = m_input.rarely(8) ? m_input.byte() : 600;
            const Exact text(length);
            const int32_t bytes = qipc_error_detail(result.bytes(), text.bytes(), length);
            HOLDS(bytes >= 0 && static_cast<uint32_t>(bytes) <= length && (bytes > 0 || length < 4));
            HOLDS(qipc::is_utf8(text.bytes(), static_cast<size_t>(bytes)));
            if (status == QIPC_E_INTERNAL) {
                broken(__FILE__, __LINE__, std::string(reinterpret_cast<char*>(text.bytes()), bytes).c_str());
            }
        }
        return status;
    }

    /** The buffer for a result: as it must be, or one that is refused. */
    uint8_t* result(uint32_t bytes = QIPC_RESULT_BYTES) {
        m_result = std::make_unique<Exact>(bytes, 8);
        const uint8_t way = m_input.byte();
        return way == 255 ? nullptr : way == 254 ? m_result->bytes() + 4 : m_result->bytes();
    }

    template <typename Value>
    Value found(uint32_t offset) const {
        Value value;
        std::memcpy(&value, m_result->bytes() + offset, sizeof value);
        return value;
    }

    struct Name {
        std::unique_ptr<Exact> memory;
        uint32_t length;
        const uint8_t* bytes() const { return memory != nullptr ? memory->bytes() : nullptr; }
    };

    /** A name: one of a few, so that they meet, or any text. */
    Name name(std::initializer_list<const char*> usual) {
        const uint8_t way = m_input.byte();
        if (way == 255) {
            return {nullptr, m_input.byte()};
        }
        const std::string text =
            way < 224 ? std::string(usual.begin()[way % usual.size()]) : m_input.text(m_input.below(128));
        return {std::make_unique<Exact>(text), static_cast<uint32_t>(text.size())};
    }

    double timeout() {
        constexpr double values[] = {0, 0.5, 1, -1, 2147483648.0, 1e300, -0.0, std::numeric_limits<double>::quiet_NaN(),
                                     std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
        return m_input.one_of(values);
    }

    uint32_t number(Kind kind) { return m_handles.number(m_input, kind, m_here); }

    /** What is opened by a call that went well, and put on record. */
    Opened& record(Kind kind, uint32_t runtime) {
        Opened opened;
        opened.handle = found<uint32_t>(0);
        opened.kind = kind;
        opened.runtime = runtime;
        opened.thread = m_here;
        HOLDS(opened.handle != 0);
        return m_handles.add(opened);
    }

    static void forget(Opened& one) {
        one.is_open = false;
        one.held.clear();
        if (one.socket >= 0) {
            close(std::exchange(one.socket, -1));
        }
    }

    Input& m_input;
    Handles m_handles;
    std::unique_ptr<Exact> m_result;
    /** The thread that calls: 0 or 1. */
    uint32_t m_here = 0;
};

} // namespace fuzz
