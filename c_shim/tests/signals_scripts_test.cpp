// SPDX-License-Identifier: Apache-2.0
//
// Deno and Bun, each with its own way to handle signals, around the deferring handler: signals_script.ts.
#include "signals_probe.hpp"
#include "unit.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int kSignalsToListener = 3;

struct NamedSignal {
    int number;
    const char* name;
};
constexpr NamedSignal kSignals[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"}};

/** A script that runs beside the test. */
class Script {
public:
    Script(const char* runtime, const char* signal, const char* when) {
        const std::string file = "/tmp/probe";
        const int probe = open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        CHECK(probe >= 0 && ftruncate(probe, kProbeFileBytes) == 0);
        void* const words = mmap(nullptr, kProbeFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, probe, 0);
        CHECK(words != MAP_FAILED);
        probe_ = static_cast<Probe*>(words);
        close(probe);
        int ends[2];
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        process_ = unit::in_child([&] {
            CHECK(dup2(ends[1], STDOUT_FILENO) >= 0);
            setenv(kProbeFileVariable, file.c_str(), 1);
            setenv("PATH", (std::string(QIPC_TEST_RUNTIMES) + ":" + std::getenv("PATH")).c_str(), 1);
            std::vector<const char*> words{runtime, "run"};
            if (std::strcmp(runtime, "deno") == 0) {
                words.insert(words.end(), {"--no-config", "--no-check", "--no-lock", "--allow-ffi"});
            }
            words.insert(words.end(), {QIPC_TEST_SCRIPT, QIPC_TEST_PROBE, signal, when, nullptr});
            execvp(runtime, const_cast<char**>(words.data()));
            std::fprintf(stderr, "Cannot run %s (%s); \"./x setup\" installs it\n", runtime, std::strerror(errno));
        });
        close(ends[1]);
        output_ = fdopen(ends[0], "r");
        expect_line("ready");
        EVENTUALLY(probe_->calls > 10);
    }
    ~Script() {
        std::fclose(output_);
        munmap(probe_, kProbeFileBytes);
    }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;

    void send(int number) const { CHECK(kill(process_, number) == 0); }

    void expect_line(const std::string& expected) {
        char line[256] = {};
        if (std::fgets(line, sizeof line, output_) == nullptr || line != expected + "\n") {
            unit::failed(__FILE__, __LINE__, ("the script said \"" + std::string(line) + "\", not " + expected).c_str());
        }
    }

    void expect_end(int status) {
        char line[256];
        CHECK(std::fgets(line, sizeof line, output_) == nullptr);
        CHECK(unit::end_of(process_) == status);
        CHECK(probe_->inside == 0 && probe_->refused == 0);
    }

private:
    pid_t process_ = -1;
    FILE* output_ = nullptr;
    Probe* probe_ = nullptr;
};

/** The signal ends the script by itself, and never inside a call. */
void dies(const char* runtime, const char* when) {
    for (int round = 0; round < 2; round++) {
        for (const auto& [number, name] : kSignals) {
            Script script(runtime, name, when);
            script.send(number);
            script.expect_end(-number);
        }
    }
}

/** The script's listener runs once for each signal, and the script lives on. */
void listens(const char* runtime, const char* when) {
    for (const auto& [number, name] : kSignals) {
        Script script(runtime, name, when);
        for (int i = 1; i <= kSignalsToListener; i++) {
            script.send(number);
            script.expect_line("seen " + std::to_string(i));
        }
        script.send(SIGUSR2);
        script.expect_line("done " + std::to_string(kSignalsToListener));
        script.expect_end(0);
    }
}

} // namespace

TEST(deno_without_a_listener_ends_by_the_signal) {
    dies("deno", "none");
}

TEST(deno_listener_from_before_runs_once_a_signal) {
    listens("deno", "before");
}

TEST(deno_listener_from_afterwards_runs_once_a_signal) {
    listens("deno", "after");
}

TEST(deno_whose_listener_from_before_was_removed_ends_by_the_signal) {
    dies("deno", "before-removed");
}

TEST(deno_whose_listener_from_afterwards_was_removed_ends_by_the_signal) {
    dies("deno", "after-removed");
}

TEST(bun_without_a_listener_ends_by_the_signal) {
    dies("bun", "none");
}

TEST(bun_listener_from_before_runs_once_a_signal) {
    listens("bun", "before");
}

TEST(bun_listener_from_afterwards_runs_once_a_signal) {
    listens("bun", "after");
}

TEST(bun_whose_listener_from_before_was_removed_ends_by_the_signal) {
    dies("bun", "before-removed");
}

TEST(bun_whose_listener_from_afterwards_was_removed_ends_by_the_signal) {
    dies("bun", "after-removed");
}
