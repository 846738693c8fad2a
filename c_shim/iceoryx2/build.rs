// SPDX-License-Identifier: Apache-2.0
//
// The statuses of qipc.h as Rust constants, so that they are stated once.
use std::{env, fs, path::Path};

fn main() {
    let header = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../include/qaultra_ipc/qipc.h");
    println!("cargo:rerun-if-changed={}", header.display());
    let mut constants = String::new();
    for line in fs::read_to_string(&header).expect("qipc.h").lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("#define") {
            continue;
        }
        let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
        let Ok(number) = value.trim_matches(['(', ')']).parse::<i32>() else { continue };
        if let Some(short) = name.strip_prefix("QIPC_") {
            constants += &format!("#[allow(dead_code)]\npub const {short}: i32 = {number};\n");
        }
    }
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("status.rs"), constants).unwrap();
}
