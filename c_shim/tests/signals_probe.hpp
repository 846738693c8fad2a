// SPDX-License-Identifier: Apache-2.0
//
// What a process under test leaves behind for the one that watches it: words in a file that both have mapped.
#pragma once

#include <atomic>
#include <cstdint>

struct Probe {
    std::atomic<uint32_t> inside{0};  // threads between call_enter and call_leave
    std::atomic<uint32_t> calls{0};   // completed
    std::atomic<uint32_t> refused{0}; // call_enter returned false
};

constexpr char kProbeFileVariable[] = "QIPC_SIGNALS_PROBE"; // the file's path
constexpr uint32_t kProbeFileBytes = 4096;
