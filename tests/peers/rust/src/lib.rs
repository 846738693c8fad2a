// SPDX-License-Identifier: Apache-2.0
//! What the peer programs share. Blocks travel by iceoryx2's own Rust API alone.
#[cfg(feature = "v0_10")]
pub extern crate iceoryx2_0_10 as iceoryx2;
#[cfg(not(feature = "v0_10"))]
pub extern crate iceoryx2_0_7 as iceoryx2;

/// What a user declares.
#[path = "../../../../examples/rust/src/market_data_block.rs"]
pub mod block;
pub mod histogram;
pub mod machine;
pub mod options;
pub mod pattern;
pub mod service;
pub mod stdin;
