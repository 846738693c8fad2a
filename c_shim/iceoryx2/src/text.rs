// SPDX-License-Identifier: Apache-2.0

/// Bytes that the caller lends for a call. They are UTF-8.
#[repr(C)]
pub struct Text {
    bytes: *const u8,
    length: usize,
}

impl Text {
    /// # Safety
    /// The bytes outlive the returned slice.
    pub unsafe fn bytes<'a>(&self) -> &'a [u8] {
        if self.length == 0 {
            return &[];
        }
        std::slice::from_raw_parts(self.bytes, self.length)
    }

    /// # Safety
    /// As `bytes`.
    pub unsafe fn as_str<'a>(&self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }
}
