/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_cases.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#define FUTEX_WAITV 449

/** As a sandbox does that is older than the call. */
static void refuse_futex_waitv(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAITV, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    CHECK(syscall(FUTEX_WAITV, NULL, 0, 0, NULL, 0) == -1 && errno == ENOSYS);
}

bool begin_sleeping(const char* name) {
    if (g_argument == NULL) {
        CHECK(in_process(name, "plain") == 0);
        CHECK(in_process(name, "refused") == 0);
        return false;
    }
    if (strcmp(g_argument, "refused") == 0) {
        refuse_futex_waitv();
    }
    return true;
}

uint32_t raise_flag(const struct Ring* ring, uint32_t word) {
    uint32_t* place = word == QIPC_RING_DATA ? &ring->table.header->data_word : &ring->table.header->room_word;
    const uint32_t raised = qaultra_ring_raise(place);
    CHECK(raised != QAULTRA_RING_NOT_RAISED);
    return raised;
}
