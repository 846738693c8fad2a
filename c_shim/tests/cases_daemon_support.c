/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_cases.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/** How many threads of a process are not in one of these states, by the letters of proc(5). A process that has gone has none. */
static int threads_not_in(int pid, const char* states) {
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR* directory = opendir(path);
    if (directory == NULL) {
        return 0;
    }
    int count = 0;
    const struct dirent* entry;
    while ((entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/stat", pid, entry->d_name);
        FILE* file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        char state = 0;
        if (file != NULL) {
            if (fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && strchr(states, state) == NULL) {
                ++count;
            }
            fclose(file);
        }
    }
    closedir(directory);
    return count;
}

void kill_all_threads(int pid) {
    CHECK(kill(pid, SIGKILL) == 0);
    EVENTUALLY(threads_not_in(pid, "ZX") == 0);
}

void stop_daemon(void) {
    CHECK(kill(daemon_pid(), SIGSTOP) == 0);
    EVENTUALLY(threads_not_in(daemon_pid(), "T") == 0);
}

int start_daemon(void) {
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(freopen("/tmp/roudi2.log", "w", stdout) != NULL);
        dup2(1, 2);
        execlp("iox-roudi", "iox-roudi", "-c", "/tmp/roudi.toml", (char*)NULL);
        _exit(127);
    }
    return pid;
}

void end_daemon(int pid) {
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

void kill_daemon(void) {
    kill_all_threads(daemon_pid());
}

/** The text that a file below /proc/<pid> has, or that a link there leads to. */
static bool read_of(const char* pid, const char* name, bool is_link, char* text, size_t bytes) {
    char path[320];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    memset(text, 0, bytes);
    if (is_link) {
        return readlink(path, text, bytes - 1) > 0;
    }
    FILE* file = fopen(path, "re");
    const bool is_read = file != NULL && fgets(text, (int)bytes, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    return is_read;
}

int spawned_daemon_pid(void) {
    char own[64];
    char text[64];
    int pid = 0;
    CHECK(read_of("self", "ns/mnt", true, own, sizeof own));
    DIR* directory = opendir("/proc");
    CHECK(directory != NULL);
    const struct dirent* entry;
    while ((entry = readdir(directory)) != NULL) {
        if (atoi(entry->d_name) > 0 && read_of(entry->d_name, "comm", false, text, sizeof text)
            && strcmp(text, "iox-roudi\n") == 0 && read_of(entry->d_name, "ns/mnt", true, text, sizeof text)
            && strcmp(text, own) == 0) {
            CHECK(pid == 0);
            pid = atoi(entry->d_name);
        }
    }
    closedir(directory);
    CHECK(pid != 0);
    return pid;
}
