/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets to which the daemon answers a probe: their names, and clearing up after processes that were killed meanwhile.
 * In C, because qipc-guard does it too.
 */
#ifndef QIPC_PROBE_SOCKETS_H
#define QIPC_PROBE_SOCKETS_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define QIPC_PROBE_FOLDER "/tmp/"
#define QIPC_PROBE_PREFIX "qipc-probe-"
#define QIPC_PROBE_FORMAT QIPC_PROBE_PREFIX "%d-%u" /* process, count */

/* Whether this is a socket of this user's that no process has open. Nobody binds to a name that exists, so it stays one. */
static inline int qipc_is_dead_probe(const char *path) {
    struct sockaddr_un address;
    struct stat found;
    const int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int is_dead = 0;
    if (probe < 0) {
        return 0;
    }
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) < sizeof address.sun_path && lstat(path, &found) == 0 && S_ISSOCK(found.st_mode) &&
        found.st_uid == geteuid()) {
        strcpy(address.sun_path, path);
        is_dead = connect(probe, (const struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
    }
    close(probe);
    return is_dead;
}

static inline void qipc_remove_dead_probes(void) {
    DIR *const folder = opendir(QIPC_PROBE_FOLDER);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[sizeof QIPC_PROBE_FOLDER + sizeof entry->d_name];
        if (strncmp(entry->d_name, QIPC_PROBE_PREFIX, sizeof QIPC_PROBE_PREFIX - 1) == 0) {
            snprintf(path, sizeof path, "%s%s", QIPC_PROBE_FOLDER, entry->d_name);
            if (qipc_is_dead_probe(path)) {
                unlink(path);
            }
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

#endif
