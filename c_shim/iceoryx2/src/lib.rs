// SPDX-License-Identifier: Apache-2.0
//
// iceoryx2 for the C ABI of qipc.h: nodes, services and ports behind plain functions, which iox2.h declares. What is here knows
// nothing of handles, threads, windows or rings; what calls it sees to it that no two threads are inside of one port, and no two
// are making or ending ports.

mod failure;
mod node;
mod publisher;
mod service;
mod streams;
mod subscriber;
mod text;

mod status {
    include!(concat!(env!("OUT_DIR"), "/status.rs"));
}
