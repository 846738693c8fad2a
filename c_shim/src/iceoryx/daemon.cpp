// SPDX-License-Identifier: Apache-2.0
//
// Asking the daemon. The messages are those of iceoryx's own runtime, sent by hand: the runtime ends the process when the
// daemon does not answer. Starting a daemon is in spawn.cpp.
#include "daemon.hpp"

#include "dead_runtimes.h"
#include "error.hpp"
#include "fd.hpp"
#include "group.hpp"
#include "guard.h"
#include "probe_sockets.h"

#include "iceoryx_posh/iceoryx_posh_types.hpp"
#include "iceoryx_posh/internal/runtime/ipc_interface_base.hpp"
#include "iceoryx_posh/version/version_info.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace qipc {
namespace {

using iox::runtime::IpcMessageType;
using iox::runtime::IpcMessageTypeToString;

constexpr uint32_t kProbeNameTries = 64;                // a socket of a dead process with this number may lie there
constexpr mode_t kProbeSocketMode = 0660;               // as iceoryx's own: a daemon of the same group may answer
constexpr uint32_t kProbeRetractMs = 100;               // how long the answer to taking the registration back is awaited
constexpr size_t kMessageBytesMax = iox::platform::IOX_UDS_SOCKET_MAX_MESSAGE_SIZE;
constexpr char kMessageSeparator = ',';

static_assert(std::string_view(iox::platform::IOX_UDS_SOCKET_PATH_PREFIX) == QIPC_PROBE_FOLDER);

std::atomic<uint32_t> g_probe_count{0};

std::mutex g_ending_lock;
DaemonIdentity g_ending; // guarded by it

bool is_same(const DaemonIdentity& one, const DaemonIdentity& other) noexcept {
    return one.dev == other.dev && one.ino == other.ino;
}

bool is_ending(const DaemonIdentity& identity) {
    const std::lock_guard<std::mutex> held(g_ending_lock);
    return is_same(identity, g_ending);
}

sockaddr_un address_of(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

int32_t fail_absent() {
    return fail(QIPC_E_DAEMON_ABSENT, 0, 0,
                "Cannot connect: no RouDi answers at %s. Start iox-roudi, or open with roudi: \"spawn\"", QIPC_ROUDI_SOCKET);
}

int32_t fail_access() {
    return fail(QIPC_E_ACCESS, geteuid(), 0,
                "Cannot connect to RouDi: user %u may not write to %s. Join the group of that socket, or run RouDi as this "
                "user",
                geteuid(), QIPC_ROUDI_SOCKET);
}

/** It answers to a socket of this process, which the group of this process may write. */
int32_t fail_hung(uint32_t timeout_ms) {
    struct stat daemon {};
    if (stat(QIPC_ROUDI_SOCKET, &daemon) == 0 && daemon.st_uid != 0 && daemon.st_uid != geteuid() &&
        daemon.st_gid != getegid() && !group_has(getegid(), daemon.st_uid)) {
        return fail(QIPC_E_ACCESS, getegid(), daemon.st_gid,
                    "Cannot connect to RouDi: it runs as user %u, who is not in the group %u that this process runs under and can "
                    "not answer to it. Start the program under RouDi's group %u (sg, or Group= of a systemd unit)",
                    daemon.st_uid, getegid(), daemon.st_gid);
    }
    return fail(QIPC_E_DAEMON_HUNG, timeout_ms, timeout_ms,
                "Cannot connect: the RouDi at %s did not answer within %u ms. It is stopped or frozen (end it and start it "
                "again), has no place for a further process (the limit is %u), or is not of iceoryx %u.%u.%u",
                QIPC_ROUDI_SOCKET, timeout_ms, iox::MAX_PROCESS_NUMBER, ICEORYX_VERSION_MAJOR, ICEORYX_VERSION_MINOR,
                ICEORYX_VERSION_PATCH);
}

int32_t fail_system(const char* action, int error) {
    return fail(QIPC_E_SYSTEM, error, 0, "Cannot ask RouDi: could not %s (%s)", action, strerrordesc_np(error));
}

/** Which life of the daemon the socket file belongs to. File systems use inode numbers again, therefore the moment when the
 * file was made goes in too. */
bool identify(DaemonIdentity* identity) noexcept {
    struct stat found {};
    if (stat(QIPC_ROUDI_SOCKET, &found) != 0 || !S_ISSOCK(found.st_mode)) {
        return false;
    }
    const uint64_t made_ns = static_cast<uint64_t>(found.st_mtim.tv_sec) * 1000000000u +
                             static_cast<uint64_t>(found.st_mtim.tv_nsec);
    constexpr uint64_t kMixer = 0x9E3779B97F4A7C15u; // odd, so that no two moments become one
    identity->dev = found.st_dev;
    identity->ino = found.st_ino ^ (made_ns * kMixer);
    return true;
}

int32_t connect_to_daemon(Fd* daemon) {
    *daemon = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!*daemon) {
        return fail_system("make a socket", errno);
    }
    const sockaddr_un address = address_of(QIPC_ROUDI_SOCKET);
    if (connect(daemon->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        return QIPC_OK;
    }
    switch (errno) {
    case ENOENT:
    case ECONNREFUSED:
    case EPROTOTYPE:
        return fail_absent();
    case EACCES:
    case EPERM:
        return fail_access();
    default:
        return fail_system("connect to " QIPC_ROUDI_SOCKET, errno);
    }
}

/** The socket that the daemon answers to; its file goes with it. */
class AnswerSocket {
public:
    AnswerSocket() = default;
    AnswerSocket(const AnswerSocket&) = delete;
    AnswerSocket& operator=(const AnswerSocket&) = delete;
    ~AnswerSocket() {
        if (bound_) {
            unlink(address_.sun_path);
        }
    }

    int32_t open() {
        socket_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket_) {
            return fail_system("make a socket", errno);
        }
        for (uint32_t tries = 0; tries < kProbeNameTries; tries++) {
            const uint32_t count = g_probe_count.fetch_add(1, std::memory_order_relaxed);
            if (count == 0) {
                // Once in a process: they look at all of /tmp.
                qipc_remove_dead_probes();
                qipc_remove_dead_runtimes();
            }
            std::snprintf(name_, sizeof name_, QIPC_PROBE_FORMAT, getpid(), count);
            address_ = address_of((std::string(QIPC_PROBE_FOLDER) + name_).c_str());
            // A socket's file gets the mode that the socket has, less the umask: never more than is meant.
            const int wanted = 1;
            if (fchmod(socket_.get(), kProbeSocketMode) != 0 ||
                setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &wanted, sizeof wanted) != 0) {
                break;
            }
            if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0) {
                bound_ = true;
                chmod(address_.sun_path, kProbeSocketMode); // the process's umask may have taken the daemon's group out
                return QIPC_OK;
            }
            if (errno != EADDRINUSE) {
                break;
            }
        }
        return fail_system("make a socket for its answer in /tmp", errno);
    }

    const char* name() const noexcept { return name_; }

    /** Waits until `deadline_ns` for a message that begins with `type` and, when `element` is given, contains it. `*sender`, where
     * given, becomes the process that sent it. */
    bool receive(IpcMessageType type, const std::string& element, uint64_t deadline_ns, pid_t* sender) const {
        const std::string head = IpcMessageTypeToString(type) + kMessageSeparator;
        const std::string inner = kMessageSeparator + element + kMessageSeparator;
        char message[kMessageBytesMax + 1];
        while (wait_until(socket_.get(), POLLIN, deadline_ns)) {
            alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
            iovec place{message, kMessageBytesMax};
            msghdr header{};
            header.msg_iov = &place;
            header.msg_iovlen = 1;
            header.msg_control = control;
            header.msg_controllen = sizeof control;
            const ssize_t length = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
            if (length < 0) {
                continue;
            }
            message[length] = '\0';
            const cmsghdr* const found = CMSG_FIRSTHDR(&header);
            if (sender != nullptr && found != nullptr && found->cmsg_level == SOL_SOCKET && found->cmsg_type == SCM_CREDENTIALS) {
                ucred credentials;
                std::memcpy(&credentials, CMSG_DATA(found), sizeof credentials);
                *sender = credentials.pid;
            }
            if (std::strncmp(message, head.c_str(), head.size()) == 0 &&
                (element.empty() || std::strstr(message, inner.c_str()) != nullptr)) {
                return true;
            }
        }
        return false;
    }

private:
    Fd socket_;
    sockaddr_un address_{};
    char name_[64] = {};
    bool bound_ = false;
};

/** Sends one message, waiting until `deadline_ns` for room. Returns 0 or an errno; ETIMEDOUT when there was no room. */
int send_message(const Fd& daemon, const std::string& message, uint64_t deadline_ns) {
    for (;;) {
        if (send(daemon.get(), message.c_str(), message.size() + 1, MSG_NOSIGNAL) >= 0) {
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
            return errno;
        }
        if (!wait_until(daemon.get(), POLLOUT, deadline_ns)) {
            return ETIMEDOUT;
        }
    }
}

std::string message_of(IpcMessageType type, std::initializer_list<std::string> elements) {
    std::string message = IpcMessageTypeToString(type) + kMessageSeparator;
    for (const std::string& element : elements) {
        message += element + kMessageSeparator;
    }
    return message;
}

/** A number that names this request in the daemon's answer, as iceoryx does it: microseconds of wall time. */
std::string request_stamp() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::to_string(static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000);
}

} // namespace

int32_t daemon_probe(uint32_t timeout_ms, DaemonIdentity* out) {
    const uint64_t deadline_ns = now_ns() + ms_to_ns(timeout_ms);
    DaemonIdentity identity;
    Fd daemon;
    if (!identify(&identity)) {
        return fail_absent();
    }
    if (is_ending(identity)) {
        return fail(QIPC_E_DAEMON_ABSENT, 0, 0, "Cannot connect: the RouDi at %s is ending", QIPC_ROUDI_SOCKET);
    }
    int32_t status = connect_to_daemon(&daemon);
    AnswerSocket answers;
    if (status != QIPC_OK || (status = answers.open()) != QIPC_OK) {
        return status;
    }
    const std::string stamp = request_stamp();
    const std::string version =
        static_cast<iox::cxx::Serialization>(iox::version::VersionInfo::getCurrentVersion()).toString();
    const std::string retract = message_of(IpcMessageType::TERMINATION, {answers.name()});
    const int error = send_message(daemon,
                                   message_of(IpcMessageType::REG, {answers.name(), std::to_string(getpid()),
                                                                    std::to_string(geteuid()), stamp, version}),
                                   deadline_ns);
    if (error == ECONNREFUSED) {
        return fail_absent();
    }
    if (error != 0 && error != ETIMEDOUT) {
        return fail_system("send to " QIPC_ROUDI_SOCKET, error);
    }
    if (error == ETIMEDOUT || !answers.receive(IpcMessageType::REG_ACK, stamp, deadline_ns, &identity.pid)) {
        if (error == 0) {
            // A daemon that goes on later finds the registration and its end together.
            send_message(daemon, retract, now_ns());
        }
        return daemon_alive(identity) == QIPC_OK ? fail_hung(timeout_ms) : fail_absent();
    }
    const uint64_t retract_deadline_ns = now_ns() + ms_to_ns(kProbeRetractMs);
    if (send_message(daemon, retract, retract_deadline_ns) == 0) {
        answers.receive(IpcMessageType::TERMINATION_ACK, "", retract_deadline_ns, nullptr);
    }
    if (out != nullptr) {
        *out = identity;
    }
    return QIPC_OK;
}

void daemon_ends(const DaemonIdentity& identity) {
    const std::lock_guard<std::mutex> held(g_ending_lock);
    g_ending = identity;
}

int32_t daemon_alive(const DaemonIdentity& identity) {
    DaemonIdentity now;
    if (!identify(&now)) {
        return fail(QIPC_E_DAEMON_GONE, 0, 0, "RouDi is gone: %s does not exist any longer", QIPC_ROUDI_SOCKET);
    }
    if (!is_same(now, identity)) {
        return fail(QIPC_E_DAEMON_GONE, 0, 0, "RouDi is gone: another one was started at %s since", QIPC_ROUDI_SOCKET);
    }
    Fd daemon;
    const int32_t status = connect_to_daemon(&daemon);
    if (status == QIPC_E_DAEMON_ABSENT) {
        return fail(QIPC_E_DAEMON_GONE, 0, 0, "RouDi is gone: nobody listens at %s", QIPC_ROUDI_SOCKET);
    }
    return status;
}

} // namespace qipc
