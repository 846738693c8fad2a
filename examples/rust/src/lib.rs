// SPDX-License-Identifier: Apache-2.0
//! What the examples share.
pub mod market_data_block;
pub mod ring;
pub mod stream;
pub mod tick;
