// SPDX-License-Identifier: Apache-2.0
#include "stack.hpp"

#include "blank.hpp"
#include "control.hpp"
#include "descriptor.hpp"

#include "iceoryx_hoofs/error_handling/error_handling.hpp"
#include "iceoryx_hoofs/internal/relocatable_pointer/base_relative_pointer.hpp"
#include "iceoryx_hoofs/log/logmanager.hpp"
#include "iceoryx_posh/internal/runtime/posh_runtime_impl.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <mutex>

namespace qipc {

__thread uint32_t t_stack_error __attribute__((tls_model("initial-exec"))) = 0;

namespace {

using iox::runtime::PoshRuntime;
using iox::runtime::PoshRuntimeImpl;

static_assert(static_cast<uint32_t>(iox::Error::kNO_ERROR) == 0);

/** iceoryx's runtime is a singleton only because its factory is; with a factory of ours it can be destroyed and made anew. */
class AttachedRuntime final : public PoshRuntimeImpl {
  public:
    explicit AttachedRuntime(iox::cxx::optional<const iox::RuntimeName_t*> name) noexcept : PoshRuntimeImpl(name) {}

    iox::popo::ConditionVariableData* getMiddlewareConditionVariable() noexcept override {
        iox::popo::ConditionVariableData* given = m_provided;
        m_provided = nullptr;
        return given != nullptr ? given : PoshRuntimeImpl::getMiddlewareConditionVariable();
    }

    void provide(iox::popo::ConditionVariableData* condition) noexcept { m_provided = condition; }

    iox::popo::ConditionVariableData* request_condition() noexcept {
        return PoshRuntimeImpl::getMiddlewareConditionVariable();
    }

    static PoshRuntime& factory(iox::cxx::optional<const iox::RuntimeName_t*> name) noexcept {
        if (s_instance == nullptr) {
            s_instance = new AttachedRuntime(name);
        }
        return *s_instance;
    }

    static void install_factory() noexcept { setRuntimeFactory(&AttachedRuntime::factory); }

    static AttachedRuntime* s_instance;

  private:
    iox::popo::ConditionVariableData* m_provided = nullptr;
};

AttachedRuntime* AttachedRuntime::s_instance = nullptr;

void on_error(const iox::Error error, const std::function<void()>&, const iox::ErrorLevel) {
    t_stack_error = static_cast<uint32_t>(error);
    // From a registration that failed half way the constructor would go on with garbage: it must not return there.
    const bool fatal = error == iox::Error::kIPC_INTERFACE__REG_ROUDI_NOT_AVAILABLE
                       || error == iox::Error::kIPC_INTERFACE__REG_UNABLE_TO_WRITE_TO_ROUDI_CHANNEL
                       || error == iox::Error::kIPC_INTERFACE__REG_ACK_NO_RESPONSE
                       || error == iox::Error::kIPC_INTERFACE__REG_ACK_INVALIG_NUMBER_OF_PARAMS
                       || error == iox::Error::kIPC_INTERFACE__UNABLE_TO_CREATE_APPLICATION_CHANNEL
                       || error == iox::Error::kIPC_INTERFACE__APP_WITH_SAME_NAME_STILL_RUNNING
                       || error == iox::Error::kIPC_INTERFACE__COULD_NOT_ACQUIRE_FILE_LOCK
                       || error == iox::Error::kPOSH__SHM_APP_MAPP_ERR
                       || error == iox::Error::kPOSH__SHM_APP_SEGMENT_MAPP_ERR
                       || error == iox::Error::kPOSH__SHM_APP_SEGMENT_COUNT_OVERFLOW;
    if (fatal && control_is_here()) {
        control_forsake_thread();
    }
}

} // namespace

void stack_install_error_handler() {
    static std::once_flag once;
    std::call_once(once, [] {
        // Both live for ever: iceoryx keeps a reference to the function until it has copied it, and the guard's end would
        // bring the reaction back that ends the process.
        static const iox::HandlerFunction& handler = *new iox::HandlerFunction(on_error);
        static const iox::cxx::GenericRAII& guard =
            *new iox::cxx::GenericRAII(iox::ErrorHandler::setTemporaryErrorHandler(handler));
        (void)guard;
        AttachedRuntime::install_factory();
    });
}

void stack_set_log(LogLevel level) {
    using iox::log::LogLevelOutput;
    iox::log::LogLevel theirs = iox::log::LogLevel::kOff;
    switch (level) {
    case LogLevel::off:
        break;
    case LogLevel::error:
        theirs = iox::log::LogLevel::kError;
        break;
    case LogLevel::warning:
        theirs = iox::log::LogLevel::kWarn;
        break;
    case LogLevel::info:
        theirs = iox::log::LogLevel::kInfo;
        break;
    case LogLevel::debug:
        theirs = iox::log::LogLevel::kDebug;
        break;
    }
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(theirs, LogLevelOutput::kHideLogLevel);
    // iceoryx also writes to the C++ streams directly, once for each loan that finds no chunk and every 300 ms without a
    // daemon. A stream in the bad state formats nothing, so silence costs nothing.
    if (level == LogLevel::off) {
        std::cerr.setstate(std::ios_base::badbit);
        std::clog.setstate(std::ios_base::badbit);
    } else {
        std::cerr.clear();
        std::clog.clear();
    }
}

bool stack_attach(const std::string& name) {
    t_stack_error = 0;
    const iox::RuntimeName_t runtime_name(iox::cxx::TruncateToCapacity, name.c_str());
    const DescriptorSet before = open_descriptors();
    PoshRuntime::initRuntime(runtime_name);
    close_on_exec(name, before);
    blank_fill();
    return AttachedRuntime::s_instance != nullptr;
}

void stack_detach() {
    delete AttachedRuntime::s_instance;
    AttachedRuntime::s_instance = nullptr;
    iox::rp::BaseRelativePointer::unregisterAll();
}

iox::popo::ConditionVariableData* stack_make_condition() {
    return AttachedRuntime::s_instance->request_condition();
}

void stack_drop_condition(iox::popo::ConditionVariableData* condition) {
    condition->m_toBeDestroyed.store(true, std::memory_order_relaxed);
}

void stack_provide_condition(iox::popo::ConditionVariableData* condition) {
    AttachedRuntime::s_instance->provide(condition);
}

iox::Error stack_take_error() noexcept {
    const iox::Error error = static_cast<iox::Error>(t_stack_error);
    t_stack_error = 0;
    return error;
}

const char* stack_error_name(iox::Error error) noexcept {
    return iox::ErrorHandler::toString(error);
}

int32_t stack_check_name_free(const std::string& name) {
    // The stack removes what lies under these names before it makes its socket and its lock.
    const std::string socket = "/tmp/" + name;
    const std::string path = socket + ".lock";
    struct stat found {};
    const bool has_lock = lstat(path.c_str(), &found) == 0;
    const bool is_lock_foreign = has_lock && (!S_ISREG(found.st_mode) || found.st_size > 0);
    const bool is_socket_foreign = lstat(socket.c_str(), &found) == 0 && (!S_ISSOCK(found.st_mode) || !has_lock);
    if (is_lock_foreign || is_socket_foreign) {
        return fail(QIPC_E_NAME_IN_USE, 0, 0,
                    "Cannot use the runtime name \"%s\": %s is there, is not of iceoryx, and would be removed", name.c_str(),
                    is_lock_foreign ? path.c_str() : socket.c_str());
    }
    const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) {
        if (errno == EACCES || errno == EPERM) {
            return fail(QIPC_E_NAME_IN_USE, 0, 0, "Cannot use the runtime name \"%s\": %s belongs to another user",
                        name.c_str(), path.c_str());
        }
        return QIPC_OK;
    }
    const bool is_free = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    close(descriptor);
    if (!is_free) {
        return fail(QIPC_E_NAME_IN_USE, 0, 0,
                    "Cannot use the runtime name \"%s\": another process runs under it. Choose another name",
                    name.c_str());
    }
    return QIPC_OK;
}

void stack_answer_in_place_of_daemon(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = "/tmp/" + name;
    if (path.size() >= sizeof address.sun_path) {
        return;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return;
    }
    // A message of one element that is no answer to anything: every request takes it for a failure.
    const char message[] = "0,";
    sendto(descriptor, message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
           sizeof address);
    close(descriptor);
}

} // namespace qipc
