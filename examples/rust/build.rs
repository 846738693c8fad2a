// SPDX-License-Identifier: Apache-2.0
//! ring.h is C whose functions are in the header. What the Rust side needs of it is compiled from `src/ring_glue.c`.
use std::env;

fn main() {
    let include =
        env::var("QAULTRA_IPC_INCLUDE").unwrap_or_else(|_| "../../c_shim/include".to_string());
    cc::Build::new()
        .std("gnu11")
        .include(&include)
        .file("src/ring_glue.c")
        .compile("ring_glue");
    println!("cargo:rerun-if-changed=src/ring_glue.c");
    println!("cargo:rerun-if-changed={include}/qaultra_ipc");
    println!("cargo:rerun-if-env-changed=QAULTRA_IPC_INCLUDE");
}
