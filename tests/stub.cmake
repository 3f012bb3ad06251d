# SPDX-License-Identifier: Apache-2.0
# A CUDA runtime over host memory (stubs/cudart), linked in place of the real one, so that what ends in a GPU is tested where
# there is none: by unit tests, and as a tree of its own, laid out like an installed one, whose machine has the GPUs of
# stubs/gpus.h. The objects are those that are measured with, where there is a toolkit; elsewhere they are compiled here,
# against a header of our own. Only tests meet any of it.
set(stub_prefix ${CMAKE_BINARY_DIR}/stub)
set(benchmarks ${PROJECT_SOURCE_DIR}/benchmarks)
set(own_header ${CMAKE_CURRENT_SOURCE_DIR}/stubs/cudart/include)
file(GLOB cudart_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/stubs/cudart/*.c)
file(GLOB row_sources CONFIGURE_DEPENDS ${benchmarks}/gpu/*.c)
get_target_property(pure path_cuda SOURCES)
list(TRANSFORM pure PREPEND ${benchmarks}/path/cuda/)
file(GLOB path_sources CONFIGURE_DEPENDS ${benchmarks}/path/cuda/*.c)
list(REMOVE_ITEM path_sources ${pure})

if(TARGET path_cuda_runtime)
  set(runtime path_cuda_runtime)
  get_target_property(header path_cuda_runtime INTERFACE_SYSTEM_INCLUDE_DIRECTORIES)
  # A box without a toolkit shall not find out first that something else of the interface is used by now.
  add_library(gpu_own_header OBJECT ${cudart_sources} ${path_sources} ${row_sources})
  target_link_libraries(gpu_own_header PRIVATE path_cuda)
  target_compile_definitions(gpu_own_header PRIVATE FEEDLINE_CUDA)
  target_include_directories(gpu_own_header PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/stubs/cudart)
  target_include_directories(gpu_own_header SYSTEM PRIVATE ${own_header})
else()
  set(runtime path_cuda_here)
  set(header ${own_header})
  add_library(path_cuda_here STATIC ${path_sources})
  target_compile_definitions(path_cuda_here PUBLIC FEEDLINE_CUDA)
  target_include_directories(path_cuda_here SYSTEM PUBLIC ${header})
  target_link_libraries(path_cuda_here PUBLIC path_cuda)
endif()

add_library(stub_cudart STATIC ${cudart_sources})
target_link_libraries(stub_cudart PUBLIC flags base stub_text)
target_include_directories(stub_cudart PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/stubs/cudart ${benchmarks})
target_include_directories(stub_cudart SYSTEM PUBLIC ${header})

# What tests/unit/gpu is linked with: the rows and their hooks.
add_library(gpu STATIC ${row_sources})
target_link_libraries(gpu PUBLIC ${runtime} stub_cudart)
target_include_directories(gpu PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})

fl_worker(cuda ${benchmarks}/benchmarks.list ${benchmarks} ${stub_prefix} SUFFIX -stub HOOKS LIBRARIES ${runtime} stub_cudart)

add_custom_command(OUTPUT ${stub_prefix}/feedline
  COMMAND ${CMAKE_COMMAND} -E copy ${share}/manifests/host.json ${stub_prefix}/share/feedline/manifests
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${share}/suites ${stub_prefix}/share/feedline/suites
  COMMAND ${CMAKE_COMMAND} -E copy ${share}/demands.yaml ${stub_prefix}/share/feedline
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:feedline-lane-host> ${stub_prefix}/libexec/feedline
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:feedline> ${stub_prefix}/feedline
  DEPENDS feedline feedline-lane-host manifest-host manifest-cuda-stub ${share}/demands.yaml VERBATIM)
add_custom_target(stub-prefix ALL DEPENDS ${stub_prefix}/feedline)
add_dependencies(stub-prefix feedline-sense-stub) # doubles.cmake puts it there
