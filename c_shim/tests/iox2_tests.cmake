# SPDX-License-Identifier: Apache-2.0
#
# The same cases against libqipc_iox2, in namespaces without a daemon; but for those that are about iceoryx's daemon, its limits, its pools
# or its lossless queues.
if(NOT TARGET qipc_iox2)
  return()
endif()

add_executable(qipc_iox2_tests main.c ${CASE_FILES})
target_compile_features(qipc_iox2_tests PRIVATE c_std_11)
target_compile_definitions(qipc_iox2_tests PRIVATE _GNU_SOURCE)
target_compile_options(qipc_iox2_tests PRIVATE -Wall -Wextra -Werror)
target_include_directories(qipc_iox2_tests PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(qipc_iox2_tests PRIVATE qipc_iox2 Threads::Threads)
set_target_properties(qipc_iox2_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(IOX2_OTHERWISE
  ^again ^no_daemon ^supervisor daemon # its daemon
  ^a_process_that_was_given_up$ ^descriptors_are_closed_on_exec$ ^name_in_use$ ^nothing_is_printed$ ^log_can_be_turned_on$
  ^port_names$ ^internal_service_is_refused$ # what a name cannot have
  ^port_numbers$ ^streams_lists_every_process$ ^a_lossless_queue ^a_blocking_subscriber # lossless queues
  ^an_empty_pool ^a_block_larger ^foreign_chunks ^misaligned_chunks # pools, whose chunks are of any size
  ^too_many_publishers$ ^too_many_subscribers$ ^stream_is_full ^too_many_condition_variables$ ^waiter_sends_one_byte_for_many
  ^the_origin_tells_publishers_apart$) # which looks at the order between publishers
list(JOIN IOX2_OTHERWISE "|" IOX2_OTHERWISE)

foreach(name ${CASE_NAMES})
  if(name MATCHES "${IOX2_OTHERWISE}")
    continue()
  endif()
  add_test(NAME abi_iox2.${name}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/with_roudi.sh $<TARGET_FILE:qipc_iox2_tests> ${name})
  set(environment QIPC_TEST_DAEMON=none)
  if(name MATCHES "in_small_memory$")
    list(APPEND environment QIPC_SHM_SIZE=128m)
  endif()
  set_tests_properties(abi_iox2.${name} PROPERTIES TIMEOUT 120 ENVIRONMENT "${environment}")
endforeach()
