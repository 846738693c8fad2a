// SPDX-License-Identifier: Apache-2.0
//
// What both examples need: the tick, the command line, the end by Ctrl-C, and iceoryx's runtime.
#ifndef QAULTRA_EXAMPLES_COMMON_HPP
#define QAULTRA_EXAMPLES_COMMON_HPP

#include <qaultra_ipc/ring.h>

#include <iceoryx_posh/internal/log/posh_logging.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace example
{
/// One `Tick` of the TypeScript module.
struct Tick
{
    int64_t timestamp_ns;
    double last;
    double bid;
    double ask;
    uint64_t volume;
    char symbol[32];
};
static_assert(sizeof(Tick) == 72, "a tick is 72 bytes");

inline std::atomic<bool> stopped{false};

inline void stop_on_signals()
{
    for (const int number : {SIGINT, SIGTERM})
    {
        std::signal(number, [](int) { stopped = true; });
    }
}

/// `--key value` pairs. `--help`, and a key that `defaults` does not have, print the usage and end the program.
inline std::map<std::string, std::string>
options(int argc, char** argv, const char* usage, std::map<std::string, std::string> defaults)
{
    for (int i = 1; i < argc; i += 2)
    {
        const std::string key = argv[i];
        const bool known = defaults.count(key) != 0 && i + 1 < argc;
        if (!known)
        {
            std::fprintf(key == "--help" ? stdout : stderr, "usage: %s %s\n", argv[0], usage);
            std::exit(key == "--help" ? 0 : 2);
        }
        defaults[key] = argv[i + 1];
    }
    return defaults;
}

inline void open_runtime(const char* program)
{
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError,
                                                             iox::log::LogLevelOutput::kHideLogLevel);
    const std::string name = std::string(program) + "_" + std::to_string(getpid());
    iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name));
}

inline iox::capro::ServiceDescription rings_of(const std::string& service, const std::string& stream)
{
    return {iox::capro::IdString_t(iox::cxx::TruncateToCapacity, service),
            iox::capro::IdString_t(iox::cxx::TruncateToCapacity, stream),
            iox::capro::IdString_t(iox::cxx::TruncateToCapacity, QAULTRA_RING_EVENT)};
}
} // namespace example

#endif
