// SPDX-License-Identifier: Apache-2.0
//
// Files in /dev/shm that bear the names of a ring and hold anything at all: found, attached and cleared away by the library and
// by ring.h. To be run in a namespace with a /dev/shm of its own.
#include "fuzzed_ring.hpp"

#include "fd.hpp"
#include "ring_file.hpp"
#include "ring_remains.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace fuzz;
using qipc::Fd;

namespace {

void write_all(int file, const uint8_t* bytes, uint64_t length) {
    HOLDS(pwrite(file, bytes, length, 0) == static_cast<ssize_t>(length));
}

/** Puts something in the place of a segment's file. What it returns holds a lock, as a living writer does. */
Fd put_file(Input& input, const char* path, const uint8_t* made, uint64_t made_bytes) {
    switch (input.below(16)) {
    case 0:
        return Fd();
    case 1:
        HOLDS(mkdir(path, 0700) == 0);
        return Fd();
    case 2:
        HOLDS(mkfifo(path, 0600) == 0);
        return Fd();
    case 3:
        HOLDS(symlink("/dev/zero", path) == 0);
        return Fd();
    case 4:
        HOLDS(symlink(path, path) == 0);
        return Fd();
    default:
        break;
    }
    Fd file(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    HOLDS(file);
    write_all(file.get(), made, made_bytes);
    const uint32_t changes = input.below(6);
    for (uint32_t i = 0; i < changes; ++i) {
        const uint32_t at = input.below(184) * 4;
        const uint32_t value = plausible(input, input.rarely(2) ? made_bytes : kEpoch);
        HOLDS(pwrite(file.get(), &value, sizeof value, at) == sizeof value);
    }
    switch (input.below(8)) {
    case 0:
        HOLDS(ftruncate(file.get(), input.below(QAULTRA_RING_HEADER_BYTES + 64)) == 0);
        break;
    case 1:
        HOLDS(ftruncate(file.get(), static_cast<off_t>(made_bytes) - input.byte()) == 0);
        break;
    case 2: // a hole behind the end
        HOLDS(ftruncate(file.get(), static_cast<off_t>(made_bytes) + input.number<uint16_t>()) == 0);
        break;
    case 3: // a hole inside
        HOLDS(fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, input.below(64) * 4096, 4096) == 0);
        break;
    default:
        break;
    }
    if (input.rarely(2)) {
        HOLDS(flock(file.get(), LOCK_EX | LOCK_NB) == 0);
        return file;
    }
    return Fd();
}

int open_files() {
    int count = 0;
    DIR* const folder = opendir("/proc/self/fd");
    while (readdir(folder) != nullptr) {
        ++count;
    }
    closedir(folder);
    return count;
}

void remove_all() {
    DIR* const folder = opendir(QAULTRA_RING_FOLDER);
    while (const dirent* const entry = readdir(folder)) {
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(folder);
}

/** What was found is used: by a reader, and by the parts of the library that look at every ring. */
void use(Input& input, const void* data, const qaultra_ring_shape& shape, const qaultra_ring_table& table) {
    qaultra_ring_identity self{};
    self.pid = 1;
    qaultra_ring_reader reader;
    qaultra_ring_reader_join(&reader, data, &shape, &table, &self, input.byte(), input.rarely(2), 0);
    for (uint32_t i = 0; i < kCapacity && qaultra_ring_reader_next(&reader) != nullptr; ++i) {
        qaultra_ring_reader_release(&reader);
    }
    qaultra_ring_reader_leave(&reader);
}

void attach_by_library(Input& input, uint64_t epoch) {
    std::shared_ptr<qipc::RingMemory> memory;
    const int32_t status = qipc::ring_open(epoch, &memory);
    HOLDS((status == QIPC_OK) == (memory != nullptr));
    HOLDS(status == QIPC_OK || status == QIPC_E_RING_GONE || status == QIPC_E_RING_VERSION || status == QIPC_E_RING_CORRUPT ||
          status == QIPC_E_SYSTEM);
    if (status != QIPC_OK) {
        return;
    }
    HOLDS(memory->shape.segment_bytes >= qaultra_ring_data_bytes(memory->shape.capacity));
    HOLDS(memory->table_shape.segment_bytes >= qaultra_ring_table_bytes(memory->table_shape.entry_count));
    use(input, memory->header, memory->shape, memory->is_table_writable ? memory->table : qaultra_ring_table_none());
    qipc::ring_free_entry(memory->table, input.below(memory->table_shape.entry_count), uint32_t{input.byte()} << 8);
}

void attach_by_header(Input& input, uint64_t epoch) {
    qaultra_ring_segments segments;
    const qaultra_ring_outcome outcome = qaultra_ring_open(epoch, &segments);
    HOLDS((outcome == QAULTRA_RING_DONE) == (segments.data != nullptr));
    if (outcome == QAULTRA_RING_DONE) {
        qaultra_ring_writer_alive(&segments);
        use(input, segments.data, segments.shape, segments.table);
    }
    qaultra_ring_unmap(&segments);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
    Input input(bytes, length);
    const int files_before = open_files();
    {
        const Ring ring(input.rarely(2) ? QAULTRA_RING_FLAG_LOSSLESS : 0, input.one_of(kStarts));
        const uint64_t epoch = input.rarely(8) ? input.quad() : kEpoch;
        const Fd data = put_file(input, qipc::ring_path(qipc::RingFile::data, epoch).text, ring.data.bytes(),
                                 qaultra_ring_data_bytes(kCapacity));
        const Fd table = put_file(input, qipc::ring_path(qipc::RingFile::table, epoch).text, ring.table_memory.bytes(),
                                  qaultra_ring_table_bytes(kEntries));
        attach_by_library(input, epoch);
        if (input.rarely(2)) {
            qipc::ring_remove_remains();
        }
        attach_by_header(input, epoch);
        qipc::ring_remove_remains();
        if (data) {
            struct stat found{};
            HOLDS(stat(qipc::ring_path(qipc::RingFile::data, epoch).text, &found) == 0); // whose writer lives
        }
    }
    HOLDS(open_files() == files_before);
    remove_all();
    return 0;
}
