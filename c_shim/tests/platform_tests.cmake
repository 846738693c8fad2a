# SPDX-License-Identifier: Apache-2.0
#
# Tests of single modules: signals, the daemon, the platform. Each TEST(name) in a *_test.cpp is a test of its own, in a
# namespace of its own and without a daemon, unless it starts one.

# unit_test(<name> [source ...]): a program from <name>_test.cpp and the library's own objects, and its tests.
function(unit_test module)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${module}_test.cpp)
  set(program qipc_${module}_test)
  add_executable(${program} ${source} unit.cpp ${ARGN} $<TARGET_OBJECTS:qipc>)
  target_compile_features(${program} PRIVATE cxx_std_20)
  target_compile_options(${program} PRIVATE -Wall -Wextra -Werror)
  target_include_directories(${program} PRIVATE ${QIPC_INCLUDES})
  target_link_libraries(${program} PRIVATE qaultra_ipc_headers iceoryx_binding_c::iceoryx_binding_c
    iceoryx_posh::iceoryx_posh iceoryx_hoofs::iceoryx_hoofs Threads::Threads)
  # Beside qipc-guard, where the library looks for it.
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  if(QIPC_SANITIZE)
    target_compile_options(${program} PRIVATE -fsanitize=${QIPC_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${program} PRIVATE -fsanitize=${QIPC_SANITIZE})
  endif()

  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(STRINGS ${source} lines REGEX "^TEST\\([a-z0-9_]+\\)")
  foreach(line ${lines})
    string(REGEX REPLACE "^TEST\\(([a-z0-9_]+)\\).*" "\\1" name ${line})
    add_test(NAME ${module}.${name}
      COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/with_roudi.sh $<TARGET_FILE:${program}> ${name})
    set_tests_properties(${module}.${name} PROPERTIES TIMEOUT 180 ENVIRONMENT QIPC_TEST_DAEMON=none)
  endforeach()
endfunction()

unit_test(platform)
unit_test(gate)
unit_test(signals)
unit_test(signals_handlers)
unit_test(signals_taken)

# What scripts load to be inside a call when a signal arrives.
add_library(qipc_signals_probe MODULE signals_probe.cpp
  ${PROJECT_SOURCE_DIR}/c_shim/src/iceoryx/gate.cpp ${PROJECT_SOURCE_DIR}/c_shim/src/iceoryx/overlay.cpp
  ${PROJECT_SOURCE_DIR}/c_shim/src/iceoryx/signals.cpp)
target_compile_features(qipc_signals_probe PRIVATE cxx_std_20)
target_compile_options(qipc_signals_probe PRIVATE -Wall -Wextra -Werror)
target_include_directories(qipc_signals_probe PRIVATE ${QIPC_INCLUDES})
target_link_libraries(qipc_signals_probe PRIVATE qaultra_ipc_headers Threads::Threads)
target_link_options(qipc_signals_probe PRIVATE -Wl,-z,nodelete)
set_target_properties(qipc_signals_probe PROPERTIES
  CXX_VISIBILITY_PRESET hidden
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

unit_test(signals_scripts)
target_compile_definitions(qipc_signals_scripts_test PRIVATE
  QIPC_TEST_RUNTIMES="${PROJECT_SOURCE_DIR}/node_modules/.bin"
  QIPC_TEST_SCRIPT="${CMAKE_CURRENT_SOURCE_DIR}/signals_script.ts"
  QIPC_TEST_PROBE="$<TARGET_FILE:qipc_signals_probe>")
add_dependencies(qipc_signals_scripts_test qipc_signals_probe)

unit_test(daemon)
unit_test(spawn)
unit_test(spawn_options)
foreach(module daemon spawn spawn_options)
  add_dependencies(qipc_${module}_test qipc-guard)
endforeach()
