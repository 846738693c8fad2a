// SPDX-License-Identifier: Apache-2.0
#include "port.hpp"

#include "exit.hpp"
#include "platform.hpp"
#include "service_name.hpp"

namespace qipc {
namespace {

constexpr const char* kSharedMemory = "/dev/shm";
/** What a service, a port's tables and its connections take at first. */
constexpr uint64_t kServiceBytes = 4u << 20;
constexpr uint64_t kFirstBlocks = 64;

const std::string kAnnouncementType = "QaultraRingAnnouncement";

iox2_text text_of(const std::string& text) {
    return {text.data(), text.size()};
}

} // namespace

int32_t check_stream_name(const uint8_t* service, uint32_t service_len, const uint8_t* stream, uint32_t stream_len,
                          const uint8_t* event, uint32_t event_len, StreamName* name) {
    int32_t status = check_name("service", service, service_len, &name->service);
    if (status == QIPC_OK) {
        status = check_name("stream", stream, stream_len, &name->stream);
    }
    if (status == QIPC_OK) {
        status = check_name("event", event, event_len, &name->event);
    }
    if (status != QIPC_OK) {
        return status;
    }
    const size_t bytes = service_name_of(*name).size();
    return bytes <= kServiceNameBytesMax
               ? QIPC_OK
               : fail(QIPC_E_NAME_TOO_LONG, static_cast<double>(bytes), kServiceNameBytesMax,
                      "Cannot use the stream \"%.100s\" of service \"%.100s\": written as iceoryx2 has it, where other characters than "
                      "those of ASCII take three bytes each byte, the name has %zu bytes, and the limit is %u",
                      name->stream.c_str(), name->service.c_str(), bytes, kServiceNameBytesMax);
}

int32_t check_free_memory(uint32_t payload_size) {
    const uint64_t needed = kServiceBytes + kFirstBlocks * payload_size;
    uint64_t free_bytes = 0;
    if (const int32_t status = shm_free_bytes(kSharedMemory, &free_bytes); status != QIPC_OK) {
        return status;
    }
    return free_bytes >= needed
               ? QIPC_OK
               : fail(QIPC_E_SHM_TOO_SMALL, static_cast<double>(free_bytes), static_cast<double>(needed),
                      "Cannot open a port: %s has %llu bytes free, and %llu are needed", kSharedMemory,
                      static_cast<unsigned long long>(free_bytes), static_cast<unsigned long long>(needed));
}

iox2_service service_wanted(const World& world, const StreamName& stream, const std::string& name, uint32_t payload_size) {
    const Options& options = world.options;
    const bool is_ring = stream.event == kRingEvent;
    iox2_service wanted{};
    wanted.name = text_of(name);
    wanted.type_name = text_of(is_ring ? kAnnouncementType : options.type_name);
    wanted.payload_bytes = payload_size;
    wanted.alignment = kPayloadAlignment;
    wanted.publishers_max = options.publishers_max;
    wanted.subscribers_max = options.subscribers_max;
    wanted.nodes_max = options.nodes_max;
    wanted.history = is_ring ? 1 : kHistoryMax;
    wanted.buffer_max = kCapacityMax;
    wanted.borrowed_max = QIPC_TAKE_MAX;
    wanted.timeout_ms = options.timeout_ms;
    return wanted;
}

int32_t refuse_ended_port() noexcept {
    if (process_is_exiting()) {
        return fail(QIPC_E_CLOSED, 0, 0, "Cannot use this port: this process is ending");
    }
    return fail(QIPC_E_DAEMON_GONE, 0, 0, "Cannot use this port: the root of iceoryx2 was removed, and this process is another node now");
}

} // namespace qipc
