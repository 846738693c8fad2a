// SPDX-License-Identifier: Apache-2.0
//! What reaches a peer from outside: signals, and lines on stdin. Its end stops the program in order, as SIGTERM does.
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

static STOPPED: AtomicBool = AtomicBool::new(false);
/// What the last line said, plus one; 0 before there was one.
static TOLD: AtomicU64 = AtomicU64::new(0);

extern "C" fn on_signal(_: libc::c_int) {
    STOPPED.store(true, Relaxed);
    // A second chance for a program that hangs: the default action of SIGALRM ends it.
    unsafe { libc::alarm(5) };
}

/// Begins to listen. Stdin counts only when it is a pipe, a socket or a terminal: a peer started with /dev/null must not end at once.
pub fn watch() {
    let handler = on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t;
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        unsafe { libc::signal(signal, handler) };
    }
    let mut info: libc::stat = unsafe { std::mem::zeroed() };
    let known = unsafe { libc::fstat(libc::STDIN_FILENO, &mut info) } == 0;
    let is_talker = matches!(info.st_mode & libc::S_IFMT, libc::S_IFIFO | libc::S_IFSOCK)
        || unsafe { libc::isatty(libc::STDIN_FILENO) } == 1;
    if !known || !is_talker {
        return;
    }
    std::thread::spawn(|| {
        for line in std::io::stdin().lock().lines() {
            let Ok(Ok(number)) = line.map(|line| line.trim().parse::<u64>()) else {
                break;
            };
            TOLD.store(number + 1, Relaxed);
        }
        STOPPED.store(true, Relaxed);
    });
}

pub fn stopped() -> bool {
    STOPPED.load(Relaxed)
}

/// The number in the last line.
pub fn told() -> Option<u64> {
    TOLD.load(Relaxed).checked_sub(1)
}
