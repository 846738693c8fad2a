/* SPDX-License-Identifier: Apache-2.0
 *
 * What the library and qipc-guard agree on: the files of a user's private directory, and how the guard is called.
 *
 *   spawn.lock   locked exclusively by whoever starts or ends the daemon
 *   members      locked shared by every process that needs the daemon, for its life
 *   guard.lock   locked exclusively by the guard for its life
 *   keep         exists when the daemon is to outlive its members
 *   roudi.toml   the daemon's configuration
 *   roudi.log    what the daemon and the guard said
 *
 * All locks are flock locks, which the kernel releases with the process. A file is removed only by the holder of spawn.lock;
 * who got a lock therefore looks whether the name still leads to the file that he locked.
 */
#ifndef QIPC_GUARD_H
#define QIPC_GUARD_H

#define QIPC_DIRECTORY_FORMAT "/tmp/qipc-%u" /* the user's id */
#define QIPC_FILE_SPAWN_LOCK "spawn.lock"
#define QIPC_FILE_MEMBERS "members"
#define QIPC_FILE_GUARD_LOCK "guard.lock"
#define QIPC_FILE_KEEP "keep"
#define QIPC_FILE_CONFIG "roudi.toml"
#define QIPC_FILE_CONFIG_NEW "roudi.toml.new"
#define QIPC_FILE_LOG "roudi.log"

#define QIPC_GUARD_PROGRAM "qipc-guard"
#define QIPC_ROUDI_PROGRAM "iox-roudi"

/* qipc-guard DIRECTORY SEGMENT: SEGMENT is the file of the daemon's block memory below QIPC_SHM_DIRECTORY. Descriptor 3 is
 * the writing end of a pipe that the guard holds while it lives. */
#define QIPC_GUARD_ARGUMENTS 2
#define QIPC_GUARD_STATUS_FD 3

/* Names that are iceoryx's. */
#define QIPC_ROUDI_SOCKET "/tmp/roudi"
#define QIPC_ROUDI_LOCK "/tmp/iox-unique-roudi.lock"
#define QIPC_ROUDI_SOCKET_LOCK "/tmp/roudi.lock" /* taken after the other */
#define QIPC_SHM_DIRECTORY "/dev/shm"
#define QIPC_SHM_MANAGEMENT "iceoryx_mgmt"

/* A daemon that was asked to end and has not is killed after this time. */
#define QIPC_ROUDI_STOP_MS 5000

#endif
