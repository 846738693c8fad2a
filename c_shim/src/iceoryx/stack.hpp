// SPDX-License-Identifier: Apache-2.0
//
// iceoryx's process-wide state: its runtime object, its error handler, its log. Everything here runs on the control thread
// unless it says otherwise.
#pragma once

#include "error.hpp"

#include <cstdint>
#include <string>

namespace iox {
enum class Error : uint32_t;
namespace popo {
struct ConditionVariableData;
}
} // namespace iox

namespace qipc {

enum class LogLevel : uint32_t { off, error, warning, info, debug };

/** Replaces iceoryx's reaction to errors, which ends the process, by one that records and returns. Any thread, idempotent. */
void stack_install_error_handler();

/** Sets what iceoryx may print on stderr. Off silences its direct writes as well. Any thread. */
void stack_set_log(LogLevel level);

/** Connects under this name. The daemon was probed and the name's lock is free. */
bool stack_attach(const std::string& name);

/** Disconnects: all ports of this process are gone before. */
void stack_detach();

/** A condition variable of the daemon, to be given back with stack_drop_condition; null when it has none left. */
iox::popo::ConditionVariableData* stack_make_condition();
void stack_drop_condition(iox::popo::ConditionVariableData* condition);

/** What the next listener or wait set takes as its condition variable, instead of asking the daemon inside of a constructor
 * that cannot fail. */
void stack_provide_condition(iox::popo::ConditionVariableData* condition);

/** The last error that iceoryx reported on this thread, 0 for none. To be read by a data call, and taken by stack_take_error. */
extern __thread uint32_t t_stack_error __attribute__((tls_model("initial-exec")));

/** The last error that iceoryx reported on this thread since the last call, or NO_ERROR. Any thread. */
iox::Error stack_take_error() noexcept;
const char* stack_error_name(iox::Error error) noexcept;

/** QIPC_OK when no live process holds the lock of this runtime name, else QIPC_E_NAME_IN_USE. Any thread. */
int32_t stack_check_name_free(const std::string& name);

/** Ends a request that waits for an answer of a daemon that will never give one, by answering in its place. Any thread. */
void stack_answer_in_place_of_daemon(const std::string& name);

} // namespace qipc
