// SPDX-License-Identifier: Apache-2.0
//
// What the peer programs share: options, the end by a signal or by the end of stdin, and the runtime.
#ifndef QAULTRA_TESTS_PEERS_PEER_HPP
#define QAULTRA_TESTS_PEERS_PEER_HPP

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <thread>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iceoryx_posh/iceoryx_posh_types.hpp"
#include "iceoryx_posh/internal/log/posh_logging.hpp"
#include "iceoryx_posh/runtime/posh_runtime.hpp"

namespace peer
{
/// `--key value` pairs and `--flag`s; an unknown one ends the program with status 2.
class Options
{
  public:
    Options(int argc, char** argv, const std::set<std::string>& keys, const std::set<std::string>& flags)
        : m_program(argv[0])
    {
        for (int i = 1; i < argc; ++i)
        {
            const std::string text = argv[i];
            const std::string key = text.rfind("--", 0) == 0 ? text.substr(2) : "";
            if (flags.count(key) != 0)
            {
                m_values[key] = "1";
            }
            else if (keys.count(key) != 0 && i + 1 < argc)
            {
                m_values[key] = argv[++i];
            }
            else
            {
                fail("Unknown option, or one without its value: " + text);
            }
        }
    }

    std::string text(const std::string& key, const std::string& otherwise) const
    {
        const auto found = m_values.find(key);
        return found == m_values.end() ? otherwise : found->second;
    }

    uint64_t number(const std::string& key, uint64_t otherwise) const
    {
        const auto found = m_values.find(key);
        if (found == m_values.end())
        {
            return otherwise;
        }
        char* end = nullptr;
        const uint64_t value = std::strtoull(found->second.c_str(), &end, 0);
        if (found->second.empty() || *end != '\0')
        {
            fail("Not a number: --" + key + " " + found->second);
        }
        return value;
    }

    bool has(const std::string& key) const
    {
        return m_values.count(key) != 0;
    }

    [[noreturn]] void fail(const std::string& message) const
    {
        std::fprintf(stderr, "%s: %s\n", m_program.c_str(), message.c_str());
        std::exit(2);
    }

  private:
    std::string m_program;
    std::map<std::string, std::string> m_values;
};

inline std::atomic<bool>& stop_flag()
{
    static std::atomic<bool> flag{false};
    return flag;
}

inline bool stopped()
{
    return stop_flag().load(std::memory_order_relaxed);
}

inline void sleep_us(uint64_t microseconds)
{
    timespec time{static_cast<time_t>(microseconds / 1'000'000), static_cast<long>(microseconds % 1'000'000) * 1000};
    nanosleep(&time, nullptr);
}

/// Sets the stop flag on SIGTERM, SIGINT and SIGHUP, and when stdin ends, so that the program leaves iceoryx in order. Stdin
/// counts only when it is a pipe, a socket or a terminal: a peer started with /dev/null must not end at once.
class Watch
{
  public:
    Watch()
    {
        stop_flag();
        struct sigaction action{};
        action.sa_handler = [](int) {
            // A second chance for a program that hangs in a blocking publish: the default action of SIGALRM ends it.
            stop_flag().store(true, std::memory_order_relaxed);
            alarm(5);
        };
        sigemptyset(&action.sa_mask);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        {
            sigaction(signal, &action, nullptr);
        }
        struct stat info{};
        if (fstat(STDIN_FILENO, &info) != 0
            || !(S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || isatty(STDIN_FILENO) == 1)
            || pipe(m_end) != 0)
        {
            return;
        }
        m_thread = std::thread([this] { watch_stdin(); });
    }

    ~Watch()
    {
        if (m_thread.joinable())
        {
            close(m_end[1]);
            m_thread.join();
            close(m_end[0]);
        }
    }

    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

  private:
    void watch_stdin()
    {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        for (;;)
        {
            pollfd wait[2] = {{STDIN_FILENO, POLLIN, 0}, {m_end[0], POLLIN, 0}};
            if (poll(wait, 2, -1) < 0 && errno != EINTR)
            {
                return;
            }
            if (wait[1].revents != 0)
            {
                return;
            }
            char byte;
            if (wait[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
            {
                stop_flag().store(true, std::memory_order_relaxed);
                return;
            }
        }
    }

    int m_end[2]{-1, -1};
    std::thread m_thread;
};

/// Registers at RouDi under a name of this process's own.
inline void open_runtime(const std::string& program)
{
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError,
                                                             iox::log::LogLevelOutput::kHideLogLevel);
    const std::string name = program + "_" + std::to_string(getpid());
    iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name));
}

inline iox::capro::IdString_t id(const std::string& text)
{
    return iox::capro::IdString_t(iox::cxx::TruncateToCapacity, text);
}

inline void say(const char* line)
{
    std::puts(line);
    std::fflush(stdout);
}
} // namespace peer

#endif
