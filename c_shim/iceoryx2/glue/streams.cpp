// SPDX-License-Identifier: Apache-2.0
#include "stream_list.hpp"

#include "lease.hpp"
#include "port.hpp"
#include "service_name.hpp"

namespace qipc {
namespace {

void add(void* context, const char* name, size_t name_bytes, uint32_t publishers, uint32_t subscribers) {
    StreamCount stream;
    // A service without ports, or with a name that no stream can have, is none.
    if (publishers + subscribers > 0 && stream_name_of({name, name_bytes}, &stream.name)) {
        stream.publishers = publishers;
        stream.lossy_publishers = publishers;
        stream.subscribers = subscribers;
        static_cast<std::vector<StreamCount>*>(context)->push_back(std::move(stream));
    }
}

} // namespace
} // namespace qipc

using namespace qipc;

QIPC_EXPORT int32_t qipc_runtime_heal(uint32_t handle, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
                                      uint32_t stream_len, const uint8_t* event, uint32_t event_len) {
    return shielded([&]() -> int32_t {
        StreamName name;
        int32_t status = check_stream_name(service, service_len, stream, stream_len, event, event_len, &name);
        if (status != QIPC_OK) {
            return status;
        }
        RuntimeHandle* runtime = handle_object<RuntimeHandle>(handle, Kind::runtime);
        if (runtime == nullptr) {
            return handle_refusal(handle, Kind::runtime);
        }
        const WorldLease world(runtime->world);
        if (status = world_check(*world); status != QIPC_OK) {
            return status;
        }
        const std::string service_name = service_name_of(name);
        iox2_failure failure{};
        const std::lock_guard<std::mutex> control(control_mutex());
        status = iox2_heal(world->node, {service_name.data(), service_name.size()}, &failure);
        return status < 0 ? refuse(status, failure) : status;
    });
}

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
        std::vector<StreamCount> streams;
        iox2_failure failure{};
        {
            const std::lock_guard<std::mutex> control(control_mutex());
            if (const int32_t status = iox2_streams(world->node, add, &streams, &failure); status != QIPC_OK) {
                return refuse(status, failure);
            }
        }
        return write_streams(streams, buffer, buffer_len, result);
    });
}
