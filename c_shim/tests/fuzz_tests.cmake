# SPDX-License-Identifier: Apache-2.0
#
# The kept corpus of each fuzz target and some seconds of new inputs. The programs come from a build of their own
# (scripts/setup.sh), since they need clang and sanitizers.

set(FUZZ_BURST_SECONDS 3)
set(fuzz ${PROJECT_SOURCE_DIR}/c_shim/fuzz)
file(GLOB targets CONFIGURE_DEPENDS RELATIVE ${fuzz} ${fuzz}/*_fuzz.cpp)
foreach(source ${targets})
  string(REPLACE "_fuzz.cpp" "" target ${source})
  add_test(NAME fuzz.${target}
    COMMAND ${fuzz}/run.sh ${target} -max_total_time=${FUZZ_BURST_SECONDS} ${fuzz}/corpus/${target})
  set_tests_properties(fuzz.${target} PROPERTIES TIMEOUT 300)
endforeach()
