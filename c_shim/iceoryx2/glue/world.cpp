// SPDX-License-Identifier: Apache-2.0
#include "background_thread.hpp"
#include "clock.hpp"
#include "descriptors.hpp"
#include "exit.hpp"
#include "free_files.hpp"
#include "handle.hpp"
#include "lease.hpp"
#include "reattach.hpp"
#include "waiter.hpp"
#include "watch.hpp"
#include "window.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <random>

namespace qipc {
namespace {

struct Current {
    std::mutex mutex; // of the pointer, for a moment
    std::condition_variable changed;
    std::shared_ptr<World> world;
};

Current& current() {
    static Current& instance = *new Current;
    return instance;
}

uint64_t g_worlds = 0; // guarded by the control mutex

std::shared_ptr<World> exchange_current(std::shared_ptr<World> world) noexcept {
    const std::lock_guard<std::mutex> lock(current().mutex);
    current().world.swap(world);
    current().changed.notify_all();
    return world;
}

std::string unique_name() {
    std::random_device random;
    char text[64];
    std::snprintf(text, sizeof text, "qaultra-%d-%08x", static_cast<int>(getpid()), random());
    return text;
}

iox2_text text_of(const std::string& text) {
    return {text.data(), text.size()};
}

/** The caller has the control mutex. */
int32_t make_world(Options&& options, const std::string& name, bool must_be_free, std::shared_ptr<World>* out) {
    if (const int32_t files = check_free_files("open a runtime"); files != QIPC_OK) {
        return files;
    }
    const auto world = std::make_shared<World>();
    world->options = std::move(options);
    world->name = name.empty() ? unique_name() : name;
    iox2_failure failure{};
    char path[512];
    const int32_t status = iox2_node_open(text_of(world->name), must_be_free, text_of(world->options.root),
                                          text_of(world->options.prefix), &world->node, path, sizeof path, &failure);
    if (status != QIPC_OK) {
        return refuse(status, failure);
    }
    world->node_path = path;
    world->number = ++g_worlds;
    iox2_node_clean(world->node);
    close_root_on_exec(*world);
    *out = world;
    return QIPC_OK;
}

/** The root was removed, and cannot be made again. */
int32_t refuse_lost(const World& world, const ErrorDetail& why) noexcept {
    return fail(QIPC_E_DAEMON_GONE, 0, 0, "This process is no node of iceoryx2 any more: %s was removed, and cannot be made again. %.*s",
                world.node_path.c_str(), static_cast<int>(why.text_bytes), why.text);
}

/** Replaces a node that is not listed any more. The caller has the control mutex; `old` is let go of without it. */
int32_t replace_if_gone(std::shared_ptr<World>* old) {
    const std::shared_ptr<World> world = world_current();
    if (world == nullptr || world_check(*world) == QIPC_OK) {
        return QIPC_OK;
    }
    std::shared_ptr<World> fresh;
    Options options = world->options;
    const std::vector<int> descriptors = lost_descriptors(*world);
    if (make_world(std::move(options), world->name, false, &fresh) != QIPC_OK) {
        return refuse_lost(*world, saved_detail());
    }
    fresh->handles = world->handles;
    world->is_lost = true;
    *old = exchange_current(fresh);
    watch_end_world(world->number);
    for (const int descriptor : descriptors) {
        close(descriptor);
    }
    // Every event loop looks again at what it waits for.
    handle_each([](uint32_t, Kind kind, void* object) {
        if (kind == Kind::waiter) {
            waiter_signal(*static_cast<Waiter*>(object));
        }
    });
    return QIPC_OK;
}

/** How often it is looked whether the node is still listed. */
constexpr std::chrono::milliseconds kLookInterval{250};

/** Becomes a node again after the root was removed under the process. */
void keep_listed(void*) {
    Current& here = current();
    for (;;) {
        {
            std::unique_lock<std::mutex> lock(here.mutex);
            here.changed.wait(lock, [&here] { return here.world != nullptr; });
        }
        sleep_ns(std::chrono::nanoseconds(kLookInterval).count());
        if (!process_is_exiting()) {
            attach_again(); // when it cannot be, it is tried again
        }
    }
}

/** The caller has the control mutex. */
bool start_keeping_listed() noexcept {
    static bool is_started = false;
    is_started = is_started || start_background_thread("qipc-iox2-node", keep_listed, nullptr);
    return is_started;
}

} // namespace

std::mutex& control_mutex() noexcept {
    static std::mutex& instance = *new std::mutex;
    return instance;
}

World::~World() {
    if (node != nullptr) {
        const std::lock_guard<std::mutex> control(control_mutex());
        iox2_node_close(node, world_is_lost(*this));
        window_world_closed(number);
    }
}

std::shared_ptr<World> world_current() noexcept {
    const std::lock_guard<std::mutex> lock(current().mutex);
    return current().world;
}

int32_t world_check(const World& world) {
    if (access(world.node_path.c_str(), F_OK) == 0) {
        return QIPC_OK;
    }
    return fail(QIPC_E_DAEMON_GONE, errno, 0, "This process is no node of iceoryx2 any more: %s was removed", world.node_path.c_str());
}

bool world_is_lost(const World& world) noexcept {
    return world.is_lost || (access(world.node_path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR));
}

int32_t refuse(int32_t status, const iox2_failure& failure) noexcept {
    return fail(status, failure.value, failure.limit, "%.*s", static_cast<int>(failure.text_bytes), failure.text);
}

int32_t world_open(Options&& options, std::shared_ptr<World>* out) {
    std::shared_ptr<World> old;
    const std::lock_guard<std::mutex> control(control_mutex());
    std::shared_ptr<World> world = world_current();
    if (world != nullptr && world->options.text != options.text) {
        return fail(QIPC_E_OPTIONS_DIFFER, 0, 0,
                    "Cannot open a runtime with these options: this process has the runtime \"%s\" open with others",
                    world->name.c_str());
    }
    int32_t status = QIPC_OK;
    if (world != nullptr) {
        status = replace_if_gone(&old);
        world = world_current();
    } else {
        register_process_exit();
        const std::string name = options.name;
        status = start_keeping_listed() ? make_world(std::move(options), name, !name.empty(), &world)
                                        : fail(QIPC_E_SYSTEM, errno, 0, "Cannot open a runtime: no thread could be started");
    }
    if (status == QIPC_OK) {
        exchange_current(world);
        ++world->handles;
        *out = world;
    }
    return status;
}

void world_drop(std::shared_ptr<World> world) noexcept {
    std::shared_ptr<World> ended;
    {
        const std::lock_guard<std::mutex> control(control_mutex());
        if (const std::shared_ptr<World> now = world_current(); now != nullptr && --now->handles == 0) {
            ended = exchange_current(nullptr);
        }
    }
    world.reset();
}

int32_t attach_again() {
    std::shared_ptr<World> old;
    const std::lock_guard<std::mutex> control(control_mutex());
    return replace_if_gone(&old);
}

void runtime_end_at_exit() noexcept {
    const std::shared_ptr<World> world = exchange_current(nullptr);
    if (world != nullptr) {
        const std::lock_guard<std::mutex> control(control_mutex());
        iox2_node* node = nullptr;
        std::swap(node, world->node);
        iox2_node_close(node, world_is_lost(*world));
    }
}

} // namespace qipc
