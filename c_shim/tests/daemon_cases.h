/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cases share that stop, kill and start daemons.
 */
#ifndef QIPC_DAEMON_CASES_H
#define QIPC_DAEMON_CASES_H

#include "test.h"

/** Kills a process and waits until its last thread has gone, and with it its locks and sockets. The first one stays as a zombie
 * until its parent has waited for it. */
void kill_all_threads(int pid);

/** The daemon that runs beside the test: stops it, for good or until SIGCONT. */
void stop_daemon(void);
void kill_daemon(void);

/** The pid of the only daemon in the test's own folders, which a runtime has spawned. */
int spawned_daemon_pid(void);

/** Starts one; its pid. Kills and waits for such a one. */
int start_daemon(void);
void end_daemon(int pid);

#endif
