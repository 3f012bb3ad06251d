# SPDX-License-Identifier: Apache-2.0
# A tree of its own, laid out like an installed one, in which feedline also finds worker programs that only tests may meet:
# null.scripted (benchmarks that go wrong) and liar.* (workers that break the protocol).
set(prefix ${CMAKE_BINARY_DIR}/tests/prefix)
if(TARGET feedline-mpi)
  set(mpi feedline-mpi)
  set(mpi_file $<TARGET_FILE:feedline-mpi>)
endif()

fl_worker(test ${CMAKE_CURRENT_SOURCE_DIR}/scripted/benchmarks.list ${CMAKE_CURRENT_SOURCE_DIR} ${prefix})

add_executable(feedline-lane-liar stubs/liar.c)
target_link_libraries(feedline-lane-liar PRIVATE base)
set_target_properties(feedline-lane-liar PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${prefix}/libexec/feedline)

add_custom_command(OUTPUT ${prefix}/feedline
  COMMAND ${CMAKE_COMMAND} -E make_directory ${prefix}/share/feedline/manifests
  COMMAND feedline-lane-liar describe --output ${prefix}/share/feedline/manifests/liar.json
  COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_BINARY_DIR}/share/feedline/manifests/host.json ${prefix}/share/feedline/manifests
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${share}/suites ${prefix}/share/feedline/suites
  COMMAND ${CMAKE_COMMAND} -E copy ${share}/demands.yaml ${prefix}/share/feedline
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:feedline-lane-host> $<TARGET_FILE:feedline-sense> ${mpi_file} ${prefix}/libexec/feedline
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:feedline> ${prefix}/feedline
  DEPENDS feedline feedline-sense feedline-lane-host ${mpi} feedline-lane-liar manifest-host ${share}/demands.yaml VERBATIM)
add_custom_target(test-prefix ALL DEPENDS ${prefix}/feedline manifest-test)

# Every declaration of every program, through the manifests.
add_executable(contract contract/test_contract.c)
target_link_libraries(contract PRIVATE catalog PkgConfig::cmocka)
set_target_properties(contract PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
set(manifests share tests/prefix/share)
if(FEEDLINE_SANITIZE STREQUAL "thread") # where those programs are not built
  set(manifests)
endif()
foreach(tree ${manifests})
  string(REPLACE "/" "-" name contract-${tree})
  add_test(NAME ${name} COMMAND contract ${CMAKE_BINARY_DIR}/${tree}/feedline/manifests)
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60)
endforeach()

# Runs a command as a container would that forbids some system calls.
add_executable(deny stubs/deny.c)
target_link_libraries(deny PRIVATE flags)
set_target_properties(deny PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# Says what another tool would be called with for a lane.
add_executable(peer_of stubs/peer_of.c)
target_link_libraries(peer_of PRIVATE judge)
set_target_properties(peer_of PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# feedline-sense with an NVML, and the PCI functions that belong to it, made up (stubs/nvml/stub.h); and a library as an old
# driver has it, for the real one.
set(stub_prefix ${CMAKE_BINARY_DIR}/stub)
set(stub_sense_sources ${sense_sources})
list(FILTER stub_sense_sources EXCLUDE REGEX "/nvml_load\\.c$")
file(GLOB nvml_sources CONFIGURE_DEPENDS stubs/nvml/*.c)
list(FILTER nvml_sources EXCLUDE REGEX "/old\\.c$")
add_executable(feedline-sense-stub ${stub_sense_sources} ${nvml_sources})
target_include_directories(feedline-sense-stub PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(feedline-sense-stub PRIVATE stub_text base machine PkgConfig::hwloc)
foreach(function line number exists real list)
  target_link_options(feedline-sense-stub PRIVATE -Wl,--wrap=sense_${function})
endforeach()
set_target_properties(feedline-sense-stub PROPERTIES OUTPUT_NAME feedline-sense
  RUNTIME_OUTPUT_DIRECTORY ${stub_prefix}/libexec/feedline)

add_library(nvidia-ml-old SHARED stubs/nvml/old.c)
target_link_libraries(nvidia-ml-old PRIVATE flags)
set_target_properties(nvidia-ml-old PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/old
  OUTPUT_NAME nvidia-ml SUFFIX .so.1)

# A hub and agents that play scripts.
add_executable(crowd stubs/crowd.c stubs/jump.c)
target_link_libraries(crowd PRIVATE hosts judge)
set_target_properties(crowd PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
