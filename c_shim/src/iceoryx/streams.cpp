// SPDX-License-Identifier: Apache-2.0
#include "lease.hpp"
#include "port_pool.hpp"
#include "signals.hpp"

using namespace qipc;

QIPC_EXPORT int32_t qipc_runtime_streams(uint32_t handle, uint8_t* buffer, uint32_t buffer_len, uint8_t* result) {
    return shielded([&]() -> int32_t {
        if (const int32_t status = check_result(result); status != QIPC_OK) {
            return status;
        }
        if (buffer == nullptr && buffer_len > 0) {
            return fail(QIPC_E_NULL, 0, 0, "Cannot list the streams: the buffer is null");
        }
        RuntimeHandle* runtime = handle_object<RuntimeHandle>(handle, Kind::runtime);
        if (runtime == nullptr) {
            return handle_refusal(handle, Kind::runtime);
        }
        const WorldLease world(runtime->world);
        if (const int32_t status = world_check(*world); status != QIPC_OK) {
            return status;
        }
        if (world->pool == nullptr) {
            return fail(QIPC_E_UNSUPPORTED, 0, 0, "Cannot list the streams: the daemon's table of ports was not found");
        }
        std::vector<StreamCount> streams;
        {
            const CallGuard guard;
            if (!guard.entered) {
                return refuse_closed_gate();
            }
            streams = port_pool_streams(*world->pool);
        }
        return write_streams(streams, buffer, buffer_len, result);
    });
}
