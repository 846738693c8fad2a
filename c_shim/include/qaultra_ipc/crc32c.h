/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32C (Castagnoli, reflected, as in iSCSI), by the processor's instruction where it has one, which is asked at run time.
 *
 * Usable from C11 and C++11. Nothing here allocates or keeps a state.
 */
#ifndef QAULTRA_IPC_CRC32C_H
#define QAULTRA_IPC_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define QAULTRA_CRC32C_X86 1
#include <nmmintrin.h>
#include <wmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#define QAULTRA_CRC32C_ARM 1
#include <arm_acle.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define QAULTRA_CRC32C_POLYNOMIAL 0x82f63b78u

/** By table of half bytes: slow, small, and needs no instruction. Takes and returns the register, not inverted. */
static inline uint32_t qaultra_crc32c_by_table(uint32_t crc, const uint8_t* bytes, size_t length) {
  static const uint32_t half[16] = {0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u,
                                    0x61c69362u, 0x7198540du, 0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u,
                                    0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u};
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    crc = (crc >> 4) ^ half[crc & 15];
    crc = (crc >> 4) ^ half[crc & 15];
  }
  return crc;
}

#ifdef QAULTRA_CRC32C_X86
/**
 * The instruction takes three cycles, and another can begin in each. So three parts of the data are summed side by side; a
 * carry-less multiplication then moves the first two sums over the bytes that follow them. The factors are
 * x^(8 * bytes - 33) modulo the polynomial, reflected.
 */
#define QAULTRA_CRC32C_LONG 1360u /* three of them, twice, are a full block */
#define QAULTRA_CRC32C_SHORT 64u

static inline uint64_t qaultra_crc32c_word(const uint8_t* at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t qaultra_crc32c_moved(uint32_t crc, uint32_t factor) {
  return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi32_si128((int)factor), 0));
}

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t qaultra_crc32c_three(uint32_t crc, const uint8_t* bytes,
                                                                                     size_t part, uint32_t by_two,
                                                                                     uint32_t by_one) {
  uint64_t first = crc, second = 0, third = 0;
  for (size_t i = 0; i < part; i += 8) {
    first = _mm_crc32_u64(first, qaultra_crc32c_word(bytes + i));
    second = _mm_crc32_u64(second, qaultra_crc32c_word(bytes + part + i));
    third = _mm_crc32_u64(third, qaultra_crc32c_word(bytes + 2 * part + i));
  }
  const uint64_t moved = qaultra_crc32c_moved((uint32_t)first, by_two) ^ qaultra_crc32c_moved((uint32_t)second, by_one);
  return (uint32_t)(_mm_crc32_u64(0, moved) ^ third);
}

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t qaultra_crc32c_by_instruction(uint32_t crc,
                                                                                              const uint8_t* bytes,
                                                                                              size_t length) {
  for (; length >= 3 * QAULTRA_CRC32C_LONG; bytes += 3 * QAULTRA_CRC32C_LONG, length -= 3 * QAULTRA_CRC32C_LONG) {
    crc = qaultra_crc32c_three(crc, bytes, QAULTRA_CRC32C_LONG, 0x5aa1f3cfu, 0x3f70cc6fu);
  }
  for (; length >= 3 * QAULTRA_CRC32C_SHORT; bytes += 3 * QAULTRA_CRC32C_SHORT, length -= 3 * QAULTRA_CRC32C_SHORT) {
    crc = qaultra_crc32c_three(crc, bytes, QAULTRA_CRC32C_SHORT, 0x0d3b6092u, 0x9e4addf8u);
  }
  uint64_t wide = crc;
  for (; length >= 8; bytes += 8, length -= 8) wide = _mm_crc32_u64(wide, qaultra_crc32c_word(bytes));
  crc = (uint32_t)wide;
  for (; length > 0; bytes++, length--) crc = _mm_crc32_u8(crc, *bytes);
  return crc;
}

static inline int qaultra_crc32c_has_instruction(void) {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}
#elif defined(QAULTRA_CRC32C_ARM)
static inline uint32_t qaultra_crc32c_by_instruction(uint32_t crc, const uint8_t* bytes, size_t length) {
  for (; length >= 8; bytes += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    crc = __crc32cd(crc, word);
  }
  for (; length > 0; bytes++, length--) crc = __crc32cb(crc, *bytes);
  return crc;
}

static inline int qaultra_crc32c_has_instruction(void) { return 1; }
#else
static inline uint32_t qaultra_crc32c_by_instruction(uint32_t crc, const uint8_t* bytes, size_t length) {
  return qaultra_crc32c_by_table(crc, bytes, length);
}

static inline int qaultra_crc32c_has_instruction(void) { return 0; }
#endif

/** The CRC-32C of some bytes; `before` is 0, or what it is of the bytes before them. */
static inline uint32_t qaultra_crc32c(uint32_t before, const void* bytes, size_t length) {
  const uint8_t* at = (const uint8_t*)bytes;
  return ~(qaultra_crc32c_has_instruction() ? qaultra_crc32c_by_instruction(~before, at, length)
                                            : qaultra_crc32c_by_table(~before, at, length));
}

#ifdef __cplusplus
}
#endif

#endif
