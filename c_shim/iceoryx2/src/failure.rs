// SPDX-License-Identifier: Apache-2.0
//
// How a call fails: a status of qipc.h, its value and limit, and a text. And the wall that no panic passes.

use crate::status;
use std::panic::{catch_unwind, AssertUnwindSafe};

const TEXT_BYTES_MAX: usize = 500;

/// What the caller gets of a failure; mirrors `iox2_failure` in iox2.h.
#[repr(C)]
pub struct FailureOut {
    value: f64,
    limit: f64,
    text_bytes: u32,
    text: [u8; TEXT_BYTES_MAX],
}

#[derive(Debug)]
pub struct Failure {
    pub status: i32,
    pub value: f64,
    pub limit: f64,
    pub text: String,
}

impl Failure {
    pub fn new(status: i32, text: impl Into<String>) -> Self {
        Failure { status, value: 0.0, limit: 0.0, text: text.into() }
    }

    pub fn with(mut self, value: f64, limit: f64) -> Self {
        self.value = value;
        self.limit = limit;
        self
    }
}

pub type Outcome = Result<i32, Failure>;

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_string();
    }
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "without a text".to_string())
}

unsafe fn write(failure: Failure, out: *mut FailureOut) -> i32 {
    if let Some(out) = out.as_mut() {
        out.value = failure.value;
        out.limit = failure.limit;
        let bytes = failure.text.as_bytes();
        let length = bytes.len().min(TEXT_BYTES_MAX);
        out.text[..length].copy_from_slice(&bytes[..length]);
        out.text_bytes = length as u32;
    }
    failure.status
}

/// Runs the body of an exported function. A panic of iceoryx2 becomes a status.
///
/// # Safety
/// `out` is null or may be written.
pub unsafe fn shielded(out: *mut FailureOut, body: impl FnOnce() -> Outcome) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(failure)) => write(failure, out),
        Err(panic) => {
            let text = format!("iceoryx2 gave up: {}", text_of(panic.as_ref()));
            // A payload whose destructor panics as well must not end the process.
            std::mem::forget(panic);
            write(Failure::new(status::E_INTERNAL, text), out)
        }
    }
}
