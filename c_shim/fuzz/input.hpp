// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets share: the input, read as a sequence of small decisions, memory without a byte to spare, and checks.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>

/** Ends the program with a place when something does not hold; the fuzzer then keeps the input. */
#define HOLDS(condition) ((condition) ? (void)0 : fuzz::broken(__FILE__, __LINE__, #condition))

namespace fuzz {

[[noreturn]] inline void broken(const char* file, int line, const char* what) {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    std::abort();
}

/** Bytes of an input, from the front; zeros when there are no more. */
class Input {
  public:
    Input(const uint8_t* bytes, size_t length) : m_at(bytes), m_left(length) {}

    bool is_over() const { return m_left == 0; }

    template <typename Number>
    Number number() {
        Number value = 0;
        const size_t bytes = m_left < sizeof value ? m_left : sizeof value;
        // memcpy's pointer must not be null, not even for nothing.
        if (bytes > 0) {
            std::memcpy(&value, m_at, bytes);
            skip(bytes);
        }
        return value;
    }

    uint8_t byte() { return number<uint8_t>(); }
    uint32_t word() { return number<uint32_t>(); }
    uint64_t quad() { return number<uint64_t>(); }
    uint32_t below(uint32_t limit) { return (limit > 256 ? number<uint16_t>() : byte()) % limit; }
    /** True about once in so many. */
    bool rarely(uint32_t often) { return byte() % often == often - 1; }

    template <typename Values>
    auto one_of(const Values& values) {
        return values[below(static_cast<uint32_t>(std::size(values)))];
    }

    std::string text(size_t length) {
        const size_t bytes = length < m_left ? length : m_left;
        const std::string value(reinterpret_cast<const char*>(m_at), bytes);
        skip(bytes);
        return value;
    }

    std::string rest() { return text(m_left); }

  private:
    void skip(size_t bytes) {
        m_at += bytes;
        m_left -= bytes;
    }

    const uint8_t* m_at;
    size_t m_left;
};

/** Memory of exactly so many bytes, aligned, so that the sanitizer sees one byte too far. */
class Exact {
  public:
    explicit Exact(size_t bytes, size_t alignment = 64) {
        HOLDS(posix_memalign(&m_memory, alignment, bytes) == 0);
        std::memset(m_memory, 0, bytes);
    }
    explicit Exact(const std::string& text) : Exact(text.size(), sizeof(void*)) {
        std::memcpy(m_memory, text.data(), text.size());
    }
    ~Exact() { std::free(m_memory); }
    Exact(const Exact&) = delete;
    Exact& operator=(const Exact&) = delete;

    uint8_t* bytes() const { return static_cast<uint8_t*>(m_memory); }

  private:
    void* m_memory = nullptr;
};

} // namespace fuzz
