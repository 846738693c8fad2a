# SPDX-License-Identifier: Apache-2.0
#
# The same cases against libqipc_iox2, in namespaces without a daemon; but for those that are about iceoryx's daemon, its limits, its pools
# or its lossless queues.
if(NOT TARGET qipc_iox2)
  return()
endif()
include(${PROJECT_SOURCE_DIR}/cmake/cargo.cmake)

# And cases of its own.
set(IOX2_CASE_NAMES "")
file(GLOB IOX2_CASE_FILES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/iox2_cases_*.c)
foreach(file ${IOX2_CASE_FILES})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(STRINGS ${file} lines REGEX "^CASE\\([a-z0-9_]+\\)")
  foreach(line ${lines})
    string(REGEX REPLACE "^CASE\\(([a-z0-9_]+)\\).*" "\\1" name ${line})
    list(APPEND IOX2_CASE_NAMES ${name})
  endforeach()
endforeach()
list(JOIN CASE_NAMES ")\nX(" CASES)
list(JOIN IOX2_CASE_NAMES ")\nX(" IOX2_CASES)
file(CONFIGURE OUTPUT iox2/cases.inc CONTENT "X(@CASES@)\nX(@IOX2_CASES@)\n" @ONLY)

set(IOX2_OTHERWISE
  ^again ^no_daemon ^supervisor daemon # its daemon
  ^a_process_that_was_given_up$ ^descriptors_are_closed_on_exec$ ^nothing_is_printed$ ^log_can_be_turned_on$
  ^port_names$ ^internal_service_is_refused$ # what a name cannot have
  ^port_numbers$ ^streams_lists_every_process$ ^a_lossless_queue ^a_blocking_subscriber # lossless queues
  ^an_empty_pool ^a_block_larger ^foreign_chunks ^misaligned_chunks # pools, whose chunks are of any size
  ^too_many_publishers$ ^too_many_subscribers$ ^stream_is_full ^too_many_condition_variables$ ^waiter_sends_one_byte_for_many ^wait_any_wakes_for_each$
  ^the_origin_tells_publishers_apart$) # which looks at the order between publishers
list(JOIN IOX2_OTHERWISE "|" IOX2_OTHERWISE)

# iox2_tests(<program> <prefix> <library> <version>): the program of the cases, and a test of each.
function(iox2_tests program prefix library version)
  add_executable(${program} main.c ${CASE_FILES} ${IOX2_CASE_FILES})
  target_compile_features(${program} PRIVATE c_std_11)
  target_compile_definitions(${program} PRIVATE _GNU_SOURCE
    QIPC_TEST_LOST_SERVICES_STAY=$<VERSION_GREATER_EQUAL:${version},0.10.0>)
  target_compile_options(${program} PRIVATE -Wall -Wextra -Werror)
  target_include_directories(${program} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/iox2)
  target_link_libraries(${program} PRIVATE ${library} Threads::Threads)
  if(QIPC_SANITIZE)
    target_compile_options(${program} PRIVATE -fsanitize=${QIPC_SANITIZE} -fno-omit-frame-pointer -Wno-error)
    target_link_options(${program} PRIVATE -fsanitize=${QIPC_SANITIZE})
  endif()
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  foreach(name ${CASE_NAMES} ${IOX2_CASE_NAMES})
    if(name MATCHES "${IOX2_OTHERWISE}")
      continue()
    endif()
    add_test(NAME ${prefix}.${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/with_roudi.sh $<TARGET_FILE:${program}> ${name})
    set(environment QIPC_TEST_DAEMON=none)
    if(name MATCHES "in_small_memory$")
      list(APPEND environment QIPC_SHM_SIZE=128m)
    endif()
    set_tests_properties(${prefix}.${name} PROPERTIES TIMEOUT 120 ENVIRONMENT "${environment}")
  endforeach()
endfunction()

iox2_tests(qipc_iox2_tests abi_iox2 qipc_iox2 ${QIPC_IOX2_VERSION})
iox2_tests(qipc_iox2_tests_other abi_iox2_${QIPC_IOX2_FEATURE_${QIPC_IOX2_OTHER_VERSION}} qipc_iox2_other
  ${QIPC_IOX2_OTHER_VERSION})

add_executable(qipc_libraries_test libraries_test.c)
target_compile_features(qipc_libraries_test PRIVATE c_std_11)
target_compile_options(qipc_libraries_test PRIVATE -Wall -Wextra -Werror)
target_link_libraries(qipc_libraries_test PRIVATE qaultra_ipc_headers ${CMAKE_DL_LIBS})
set_target_properties(qipc_libraries_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
foreach(library qipc_iox2 qipc_iox2_other)
  add_test(NAME abi_iox2.${library}_and_qipc_are_the_same
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/same_libraries.sh $<TARGET_FILE:qipc_libraries_test> $<TARGET_FILE:qipc>
      $<TARGET_FILE:${library}>)
endforeach()
