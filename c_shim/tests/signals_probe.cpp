// SPDX-License-Identifier: Apache-2.0
//
// A library that scripts load by FFI: calls into a stack that does nothing but take time.
#include "signals_probe.hpp"

#include "clock.hpp"
#include "signals.hpp"

#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

static Probe* g_probe;

/** Maps the file and installs the handlers. */
EXPORT int32_t probe_open() {
    const int file = open(std::getenv(kProbeFileVariable), O_RDWR | O_CLOEXEC);
    void* const words = mmap(nullptr, kProbeFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (words == MAP_FAILED) {
        return -1;
    }
    g_probe = static_cast<Probe*>(words);
    qipc::signals_install();
    return 0;
}

/** One call that takes `busy_ns`. */
EXPORT int32_t probe_call(uint32_t busy_ns) {
    const qipc::CallGuard guard;
    if (!guard.entered) {
        g_probe->refused++;
        return -1;
    }
    g_probe->inside++;
    const uint64_t until_ns = qipc::now_ns() + busy_ns;
    while (qipc::now_ns() < until_ns) {
    }
    g_probe->calls++;
    g_probe->inside--;
    return 0;
}

/** 1 when the signal's handler is one of this library. */
EXPORT int32_t probe_on_top(int32_t number) {
    struct sigaction top {};
    Dl_info theirs{};
    Dl_info ours{};
    sigaction(number, nullptr, &top);
    return dladdr(reinterpret_cast<void*>(top.sa_sigaction), &theirs) != 0 &&
           dladdr(reinterpret_cast<void*>(&probe_call), &ours) != 0 && theirs.dli_fbase == ours.dli_fbase;
}
