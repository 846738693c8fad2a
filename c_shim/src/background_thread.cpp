// SPDX-License-Identifier: Apache-2.0
#include "background_thread.hpp"

#include <csignal>
#include <cstddef>
#include <new>
#include <pthread.h>
#include <sched.h>

namespace qipc {
namespace {

constexpr size_t kStackBytes = 256 * 1024;

struct Start {
    const char* name;
    void (*main)(void*);
    void* context;
};

/** Where this process may run, before any of its threads is pinned. */
struct Home {
    cpu_set_t cpus;
    bool is_known;
    Home() noexcept : is_known(sched_getaffinity(0, sizeof cpus, &cpus) == 0) {}
};

const Home g_home;

void* run(void* argument) {
    const Start start = *static_cast<Start*>(argument);
    delete static_cast<Start*>(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.main(start.context);
    return nullptr;
}

} // namespace

bool start_background_thread(const char* name, void (*main)(void*), void* context) noexcept {
    Start* const start = new (std::nothrow) Start{name, main, context};
    pthread_attr_t attributes;
    if (start == nullptr || pthread_attr_init(&attributes) != 0) {
        delete start;
        return false;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    // Not with its maker, which may be pinned to a CPU that it keeps busy.
    if (g_home.is_known) {
        pthread_attr_setaffinity_np(&attributes, sizeof g_home.cpus, &g_home.cpus);
    }
    // A thread inherits the mask of its maker, so it has this one from its first moment.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const bool started = pthread_create(&thread, &attributes, run, start) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (!started) {
        delete start;
    }
    return started;
}

} // namespace qipc
