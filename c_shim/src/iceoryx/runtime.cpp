// SPDX-License-Identifier: Apache-2.0
#include "runtime.hpp"

#include "check.hpp"
#include "control.hpp"
#include "exit.hpp"
#include "lease.hpp"
#include "platform.hpp"
#include "ring_remains.hpp"
#include "turn.hpp"
#include "window.hpp"

#include <cstring>

using namespace qipc;

QIPC_EXPORT int32_t qipc_runtime_open(const uint8_t* options, uint32_t options_len, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        Options parsed;
        if (const int32_t status = parse_options(options, options_len, &parsed); status != QIPC_OK) {
            return status;
        }
        if (process_is_exiting()) {
            return refuse_after_exit();
        }
        if (control_is_here()) {
            return fail(QIPC_E_WRONG_THREAD, 0, 0, "Cannot open a runtime on this thread");
        }
        const uint32_t timeout_ms = parsed.timeout_ms;
        auto runtime = std::make_unique<RuntimeHandle>();
        const TurnGuard turn(timeout_ms);
        if (!turn.has_turn) {
            return fail(QIPC_E_DAEMON_HUNG, timeout_ms, timeout_ms,
                        "Another thread of this process has waited for the daemon for %u ms", timeout_ms);
        }
        if (const int32_t status = world_open(std::move(parsed), &runtime->world); status != QIPC_OK) {
            return status;
        }
        ring_remove_remains();
        World& world = *runtime->world;
        ++world.handles;
        if (const int32_t status = handle_make(Kind::runtime, runtime.get(), &runtime->handle); status != QIPC_OK) {
            const ErrorDetail detail = saved_detail();
            world_drop();
            restore_detail(detail);
            return status;
        }
        std::memset(result, 0, QIPC_RESULT_BYTES);
        const uint32_t words[3] = {runtime->handle, static_cast<uint32_t>(world.name.size()),
                                   world.spawned && world.handles == 1 ? 1u : 0u};
        std::memcpy(result, words, sizeof words);
        std::memcpy(result + 16, world.name.data(), world.name.size());
        runtime.release();
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_runtime_close(uint32_t handle) {
    return shielded([&]() -> int32_t {
        RuntimeHandle* runtime = handle_object<RuntimeHandle>(handle, Kind::runtime);
        if (runtime == nullptr) {
            return handle_refusal(handle, Kind::runtime);
        }
        runtime_close(runtime);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_runtime_state(uint32_t handle, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        RuntimeHandle* runtime = handle_object<RuntimeHandle>(handle, Kind::runtime);
        if (runtime == nullptr) {
            return handle_refusal(handle, Kind::runtime);
        }
        if (process_is_exiting()) {
            return refuse_after_exit(); // its ports are about to be closed, if they are not yet
        }
        const WorldLease world(runtime->world);
        const uint32_t words[2] = {world_check(*world) == QIPC_OK ? 1u : 2u, static_cast<uint32_t>(world->number)};
        std::memcpy(result, words, sizeof words);
        return QIPC_OK;
    });
}

QIPC_EXPORT int32_t qipc_runtime_bind_numa(uint32_t handle, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        RuntimeHandle* runtime = handle_object<RuntimeHandle>(handle, Kind::runtime);
        if (runtime == nullptr) {
            return handle_refusal(handle, Kind::runtime);
        }
        const WorldLease world(runtime->world);
        if (world->is_down) {
            return refuse_world_that_is_down();
        }
        struct Nodes {
            uint32_t asked = 0;
            uint32_t found = 0;
            bool any = false;
        } nodes;
        const auto bind = [](void* context, void* address, uint64_t length) -> int32_t {
            Nodes& out = *static_cast<Nodes*>(context);
            out.any = true;
            return numa_bind(address, length, &out.asked, &out.found);
        };
        if (const int32_t status = window_each_writable(world->number, bind, &nodes); status != QIPC_OK) {
            return status;
        }
        if (!nodes.any) {
            return fail(QIPC_E_UNSUPPORTED, 0, 0, "Cannot bind block memory: no publisher of this process has loaned any");
        }
        const uint32_t words[2] = {nodes.asked, nodes.found};
        std::memcpy(result, words, sizeof words);
        return QIPC_OK;
    });
}
