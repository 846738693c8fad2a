// SPDX-License-Identifier: Apache-2.0
#include "unit.hpp"

#include <csignal>
#include <cstring>
#include <map>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace unit {
namespace {

constexpr uint64_t kEventuallyMs = 20000;
constexpr uint64_t kPollMs = 2;

std::map<std::string, void (*)()>& tests() {
    static std::map<std::string, void (*)()> all;
    return all;
}

} // namespace

Test::Test(const char* name, void (*run)()) {
    tests()[name] = run;
}

void failed(const char* file, int line, const char* what) {
    std::fprintf(stderr, "%s:%d: failed: %s\n  last error: %s\n", file, line, what, error_text().c_str());
    std::_Exit(1);
}

void expect(int32_t expected, int32_t status, const char* call, const char* file, int line) {
    if (status == expected) {
        return;
    }
    std::fprintf(stderr, "%s:%d: %s\n  is %s, not %s\n  last error: %s\n", file, line, call, qipc_status_string(status),
                 qipc_status_string(expected), error_text().c_str());
    std::_Exit(1);
}

void eventually(const std::function<bool()>& holds, const char* what, const char* file, int line) {
    const uint64_t deadline_ns = qipc::now_ns() + qipc::ms_to_ns(kEventuallyMs);
    while (!holds()) {
        if (qipc::now_ns() >= deadline_ns) {
            failed(file, line, (std::string("never: ") + what).c_str());
        }
        qipc::sleep_ns(qipc::ms_to_ns(kPollMs));
    }
}

std::string error_text() {
    const qipc::ErrorDetail detail = qipc::saved_detail();
    return std::string(detail.text, detail.text_bytes);
}

double error_value() {
    return qipc::saved_detail().value;
}

double error_limit() {
    return qipc::saved_detail().limit;
}

pid_t in_child(const std::function<void()>& body) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        std::_Exit(0);
    }
    return child;
}

int end_of(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) != child) {
        CHECK(errno == EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void succeeds(pid_t child) {
    CHECK(end_of(child) == 0);
}

} // namespace unit

int main(int count, char** arguments) {
    const auto test = count == 2 ? unit::tests().find(arguments[1]) : unit::tests().end();
    if (test == unit::tests().end()) {
        std::fprintf(stderr, "usage: %s TEST, one of:\n", arguments[0]);
        for (const auto& [name, run] : unit::tests()) {
            std::fprintf(stderr, "  %s\n", name.c_str());
        }
        return 2;
    }
    test->second();
    // The objects of the library have threads and statics of their own; the test is over.
    std::fflush(nullptr);
    std::_Exit(0);
}
