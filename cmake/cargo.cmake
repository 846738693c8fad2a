# SPDX-License-Identifier: Apache-2.0
#
# What is written in Rust: built by cargo, which knows what has changed, with the dependencies of all crates in one folder.

find_program(QIPC_CARGO cargo PATHS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin)
if(NOT QIPC_CARGO)
  message(FATAL_ERROR "Cannot find cargo: install Rust 1.89 or newer (Debian 12: apt-get install rustc-web cargo-web), or name it by -DQIPC_CARGO=")
endif()
set(QIPC_CARGO_FOLDER ${CMAKE_BINARY_DIR}/cargo)

# qipc_cargo_programs(<target> <folder of the crate> <program>...): builds a crate and puts its programs into bin.
function(qipc_cargo_programs target folder)
  set(programs ${ARGN})
  list(TRANSFORM programs PREPEND ${QIPC_CARGO_FOLDER}/release/)
  add_custom_target(${target} ALL
    COMMAND ${QIPC_CARGO} build --quiet --release --locked --manifest-path ${folder}/Cargo.toml
            --target-dir ${QIPC_CARGO_FOLDER}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/bin
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${programs} ${CMAKE_BINARY_DIR}/bin
    COMMENT "Building ${target} with cargo"
    VERBATIM)
endfunction()
