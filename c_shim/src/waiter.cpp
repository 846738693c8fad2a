// SPDX-License-Identifier: Apache-2.0
#include "waiter.hpp"

#include "check.hpp"
#include "export.hpp"
#include "handle.hpp"
#include "ring_waiter.hpp"
#include "signals.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace qipc {

void waiter_signal(Waiter& waiter) noexcept {
    if (waiter.is_signalled.exchange(1) == 0) {
        const char byte = 1;
        // A full socket holds bytes enough, and a closed one has no reader.
        (void)!send(waiter.write_end, &byte, sizeof byte, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void waiter_close(Waiter* waiter) noexcept {
    handle_free(waiter->handle);
    ring_disarm_all(*waiter);
    const CallGuard guard;
    if (!guard.entered || !waiter_detach_subscribers(*waiter)) {
        // The end of the process takes care of the ports, which still refer to this waiter.
        return;
    }
    close(waiter->write_end);
    delete waiter;
}

} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_waiter_open(uint32_t runtime, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        const RuntimeHandle* owner = handle_object<RuntimeHandle>(runtime, Kind::runtime);
        if (owner == nullptr) {
            return handle_refusal(runtime, Kind::runtime);
        }
        auto waiter = std::make_unique<Waiter>();
        waiter->world = owner->world;
        waiter->runtime = runtime;
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
            return fail(QIPC_E_SYSTEM, errno, 0, "Cannot make a socket pair: %s", std::strerror(errno));
        }
        waiter->write_end = ends[1];
        if (const int32_t status = handle_make(Kind::waiter, waiter.get(), &waiter->handle); status != QIPC_OK) {
            close(ends[0]);
            close(ends[1]);
            return status;
        }
        const uint32_t words[2] = {waiter->handle, static_cast<uint32_t>(ends[0])};
        std::memcpy(result, words, sizeof words);
        waiter.release();
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_waiter_close(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = handle_object<Waiter>(handle, Kind::waiter);
        if (waiter == nullptr) {
            return handle_refusal(handle, Kind::waiter);
        }
        waiter_close(waiter);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_waiter_clear(uint32_t handle) {
    return shielded([&]() -> int32_t {
        Waiter* waiter = handle_object<Waiter>(handle, Kind::waiter);
        if (waiter == nullptr) {
            return handle_refusal(handle, Kind::waiter);
        }
        waiter->is_signalled.store(0);
        return QIPC_OK;
    });
}
