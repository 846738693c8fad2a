# SPDX-License-Identifier: Apache-2.0
#
# Tests of ring.h by itself. Each RING_TEST(name) in a ring_*_test.c is a test of its own.

# ring_test(<module> <suffix> <sanitizer>): a program from ring_<module>_test.c, and its tests.
function(ring_test module suffix sanitizer)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/ring_${module}_test.c)
  set(program qaultra_ring_${module}${suffix}_test)
  add_executable(${program} ${source} ring_test.c)
  target_compile_features(${program} PRIVATE c_std_11)
  target_compile_options(${program} PRIVATE -Wall -Wextra -Werror)
  target_link_libraries(${program} PRIVATE qaultra_ipc_headers Threads::Threads)
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  if(sanitizer)
    # The thread sanitizer warns that it does not follow barriers.
    target_compile_options(${program} PRIVATE -fsanitize=${sanitizer} -fno-omit-frame-pointer -Wno-error)
    target_link_options(${program} PRIVATE -fsanitize=${sanitizer})
  endif()

  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(STRINGS ${source} lines REGEX "^RING_TEST\\([a-z0-9_]+\\)")
  foreach(line ${lines})
    string(REGEX REPLACE "^RING_TEST\\(([a-z0-9_]+)\\).*" "\\1" name ${line})
    add_test(NAME ring_${module}${suffix}.${name} COMMAND ${program} ${name})
    set_tests_properties(ring_${module}${suffix}.${name} PROPERTIES TIMEOUT 120)
  endforeach()
endfunction()

foreach(module layout sequence table segment access stress wait hostile checksum)
  ring_test(${module} "" "${QIPC_SANITIZE}")
endforeach()

# What runs on several threads is also run under the thread sanitizer, which needs nothing but the compiler.
if(NOT QIPC_SANITIZE)
  foreach(module stress wait)
    ring_test(${module} _races thread)
  endforeach()
endif()
