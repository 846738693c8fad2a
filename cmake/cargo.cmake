# SPDX-License-Identifier: Apache-2.0
#
# What is written in Rust: built by cargo, which knows what has changed, with the dependencies of all crates in one folder.

# Debian 12 has a recent Rust in packages of its own, rustc-web and cargo-web.
find_program(QIPC_CARGO cargo HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin)
set(QIPC_CARGO_FOLDER ${CMAKE_BINARY_DIR}/cargo)

# The crates that work with each version of iceoryx2 have a feature for each.
set(QIPC_IOX2_VERSION 0.7.0 CACHE STRING "The version of iceoryx2, which has to be that of all peers")
set(QIPC_IOX2_VERSIONS 0.7.0 0.10.0)
set_property(CACHE QIPC_IOX2_VERSION PROPERTY STRINGS ${QIPC_IOX2_VERSIONS})
set(QIPC_IOX2_FEATURE_0.7.0 v0_7)
set(QIPC_IOX2_FEATURE_0.10.0 v0_10)
if(NOT QIPC_IOX2_VERSION IN_LIST QIPC_IOX2_VERSIONS)
  message(FATAL_ERROR "QIPC_IOX2_VERSION must be 0.7.0 or 0.10.0, not \"${QIPC_IOX2_VERSION}\"")
endif()
# With the tests, the other one is built too.
set(QIPC_IOX2_OTHER_VERSION ${QIPC_IOX2_VERSIONS})
list(REMOVE_ITEM QIPC_IOX2_OTHER_VERSION ${QIPC_IOX2_VERSION})

# qipc_cargo_programs(<target> <folder of the crate> <feature> <folder below the build's> <program>...): builds a crate with this one
# feature, "" for its default ones, and puts its programs there. Without cargo they are left out.
function(qipc_cargo_programs target folder feature place)
  if(NOT QIPC_CARGO)
    message(STATUS "No cargo was found: ${target} is left out")
    return()
  endif()
  set(programs ${ARGN})
  list(TRANSFORM programs PREPEND ${QIPC_CARGO_FOLDER}/release/)
  set(features "")
  if(feature)
    set(features --no-default-features --features ${feature})
  endif()
  add_custom_target(${target} ALL
    COMMAND ${QIPC_CARGO} build --quiet --release --locked --manifest-path ${folder}/Cargo.toml
            --target-dir ${QIPC_CARGO_FOLDER} ${features}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/${place}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${programs} ${CMAKE_BINARY_DIR}/${place}
    COMMENT "Building ${target} with cargo"
    VERBATIM)
endfunction()
