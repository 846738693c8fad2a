// SPDX-License-Identifier: Apache-2.0
//! A reader of one ring.
use crate::market_data_block::ZeroCopyMarketBlock;
use std::time::Duration;

#[repr(C)]
struct RawRing {
    _private: [u8; 0],
}

extern "C" {
    fn ring_open(epoch: u64, history: u64) -> *mut RawRing;
    fn ring_next(ring: *mut RawRing, block: *mut ZeroCopyMarketBlock) -> i32;
    fn ring_wait(ring: *mut RawRing, timeout_ms: u64);
    fn ring_missed(ring: *const RawRing) -> u64;
    fn ring_ended(ring: *mut RawRing) -> i32;
    fn ring_close(ring: *mut RawRing);
}

/// A ring that is mapped, and this process's place among its readers. It belongs to one thread.
pub struct Ring {
    raw: *mut RawRing,
    pub epoch: u64,
}

impl Ring {
    /// Joins the ring of this epoch, with at most so many blocks of the past; none when it is gone or this user may not read it.
    pub fn open(epoch: u64, history: u64) -> Option<Ring> {
        // SAFETY: takes any numbers.
        let raw = unsafe { ring_open(epoch, history) };
        (!raw.is_null()).then_some(Ring { raw, epoch })
    }

    /// Copies the next block into `block`; false when there is none yet.
    pub fn next(&mut self, block: &mut ZeroCopyMarketBlock) -> bool {
        // SAFETY: the ring is open, and a block is 8192 bytes aligned to 64.
        unsafe { ring_next(self.raw, block) == 1 }
    }

    /// Sleeps until there is a block, the ring has ended or the time is over.
    pub fn wait(&mut self, timeout: Duration) {
        // SAFETY: the ring is open.
        unsafe { ring_wait(self.raw, timeout.as_millis() as u64) }
    }

    /// Blocks that were overwritten before they were read.
    pub fn missed(&self) -> u64 {
        // SAFETY: the ring is open.
        unsafe { ring_missed(self.raw) }
    }

    /// Whether all was read that will ever be there.
    pub fn ended(&mut self) -> bool {
        // SAFETY: the ring is open.
        unsafe { ring_ended(self.raw) == 1 }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the ring is open, and nobody uses it afterwards.
        unsafe { ring_close(self.raw) }
    }
}
