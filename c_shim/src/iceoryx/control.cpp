// SPDX-License-Identifier: Apache-2.0
#include "control.hpp"

#include "exit.hpp"
#include "signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace qipc {
namespace {

struct Control {
    std::mutex mutex;
    std::condition_variable has_work;
    std::condition_variable has_result;
    std::deque<std::shared_ptr<Job>> queue;
    std::shared_ptr<Job> current;
    uint32_t late = 0;     // abandoned jobs that have not ended
    uint64_t thread = 0;   // number of the thread that may take jobs
    bool running = false;
};

// Never destroyed: the thread may still be waiting when static destructors run.
Control& control() {
    static Control& instance = *new Control;
    return instance;
}

__thread uint64_t t_control_thread __attribute__((tls_model("initial-exec"))) = 0;

/** False when the gate is closed and the job was not run. */
bool run_job(Job& job) noexcept {
    const bool guarded = !job.at_exit;
    if (guarded && !call_enter()) {
        return false;
    }
    try {
        job.work();
    } catch (...) {
        // What the job shares keeps the state "failed" that it began with.
    }
    if (guarded) {
        call_leave();
    }
    return true;
}

void undo_job(Job& job) noexcept {
    if (!job.undo || (!job.at_exit && !call_enter())) {
        return;
    }
    try {
        job.undo();
    } catch (...) {
        // Nobody waits for the result of an undoing.
    }
    if (!job.at_exit) {
        call_leave();
    }
}

void* thread_main(void* number) {
    Control& here = control();
    t_control_thread = reinterpret_cast<uint64_t>(number);
    pthread_setname_np(pthread_self(), "qipc-control");
    std::unique_lock<std::mutex> lock(here.mutex);
    while (here.thread == t_control_thread) {
        if (here.queue.empty()) {
            here.has_work.wait(lock);
            continue;
        }
        const std::shared_ptr<Job> job = here.queue.front();
        here.queue.pop_front();
        if (job->abandoned && !job->must_run) {
            // Its caller gave up before it began: there is nothing to undo.
            --here.late;
            continue;
        }
        here.current = job;
        lock.unlock();
        const bool was_run = run_job(*job);
        lock.lock();
        job->is_refused = !was_run;
        here.current.reset();
        job->done = true;
        if (job->abandoned) {
            lock.unlock();
            undo_job(*job);
            lock.lock();
            --here.late;
        } else {
            here.has_result.notify_all();
        }
    }
    return nullptr;
}

/** Starts the thread with all signals blocked, which every thread of the stack inherits. Called with the mutex held. */
bool start_thread(Control& here) noexcept {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    const uint64_t number = here.thread + 1;
    here.thread = number;
    here.running = pthread_create(&thread, &attributes, thread_main, reinterpret_cast<void*>(number)) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return here.running;
}

} // namespace

int32_t control_run(const std::shared_ptr<Job>& job, uint32_t timeout_ms) {
    Control& here = control();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    std::unique_lock<std::mutex> lock(here.mutex);
    if (here.late > 0) {
        if (job->must_run) {
            job->abandoned = true;
            ++here.late;
            here.queue.push_back(job);
        }
        return fail(QIPC_E_DAEMON_HUNG, 0, timeout_ms,
                    "The daemon has not answered an earlier request yet, so no further one is sent");
    }
    if (!here.running && !start_thread(here)) {
        return fail(QIPC_E_SYSTEM, 0, 0, "Cannot start the control thread");
    }
    here.queue.push_back(job);
    here.has_work.notify_all();
    if (!here.has_result.wait_until(lock, deadline, [&job] { return job->done; })) {
        job->abandoned = true;
        ++here.late;
        return fail(QIPC_E_DAEMON_HUNG, timeout_ms, timeout_ms, "The daemon did not answer within %u ms", timeout_ms);
    }
    return job->is_refused ? refuse_after_exit() : QIPC_OK;
}

bool control_is_stuck() noexcept {
    Control& here = control();
    const std::lock_guard<std::mutex> lock(here.mutex);
    return here.late > 0;
}

bool control_is_here() noexcept {
    return t_control_thread != 0;
}

void control_forsake_thread() noexcept {
    Control& here = control();
    {
        const std::lock_guard<std::mutex> lock(here.mutex);
        // The job that this thread was in ends here, as a failed one; what follows gets a thread of its own.
        here.running = false;
        ++here.thread;
        here.current->done = true;
        if (here.current->abandoned) {
            --here.late;
        }
        here.current.reset();
        here.has_result.notify_all();
    }
    call_leave();
    for (;;) {
        pause();
    }
}

} // namespace qipc
