// SPDX-License-Identifier: Apache-2.0
#include "thread.hpp"

#include "close.hpp"

#include <pthread.h>

#include <atomic>
#include <new>

namespace qipc {

__thread uint32_t t_token __attribute__((tls_model("initial-exec"))) = 0;

namespace {

__thread Thread* t_thread __attribute__((tls_model("initial-exec"))) = nullptr;
__thread bool t_ending __attribute__((tls_model("initial-exec"))) = false;

pthread_key_t g_key;
pthread_once_t g_key_once = PTHREAD_ONCE_INIT;
bool g_key_made = false;
std::atomic<uint32_t> g_tokens{0};

// A key's destructor runs after the destructors of C++ thread locals, so nothing of the thread can call us any more.
void end_of_thread(void* record) {
    Thread* thread = static_cast<Thread*>(record);
    thread->is_ending = true;
    close_everything_of(*thread);
    t_ending = true;
    t_thread = nullptr;
    t_token = 0;
    delete thread;
}

void make_key() {
    g_key_made = pthread_key_create(&g_key, end_of_thread) == 0;
}

} // namespace

Thread* thread_current() noexcept {
    if (t_thread != nullptr || t_ending) {
        return t_thread;
    }
    pthread_once(&g_key_once, make_key);
    Thread* thread = new (std::nothrow) Thread;
    if (thread == nullptr) {
        return nullptr;
    }
    if (!g_key_made || pthread_setspecific(g_key, thread) != 0) {
        delete thread;
        return nullptr;
    }
    thread->token = g_tokens.fetch_add(1, std::memory_order_relaxed) + 1;
    t_token = thread->token;
    t_thread = thread;
    return thread;
}

} // namespace qipc
