# SPDX-License-Identifier: Apache-2.0
# A CUDA runtime over host memory (stubs/cudart), linked in place of the real one, so that what ends in a GPU is tested where
# there is none. Only tests meet it.
file(GLOB cudart_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/stubs/cudart/*.c)
set(own_header ${CMAKE_CURRENT_SOURCE_DIR}/stubs/cudart/include)

# fl_stub_cudart(TARGET HEADER): the stub as it is seen through that cuda_runtime_api.h.
function(fl_stub_cudart target header)
  add_library(${target} STATIC ${cudart_sources})
  target_link_libraries(${target} PUBLIC flags base)
  target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/stubs/cudart ${PROJECT_SOURCE_DIR}/benchmarks)
  target_include_directories(${target} SYSTEM PUBLIC ${header})
endfunction()

fl_stub_cudart(stub_cudart ${own_header})

# What tests/unit/gpu is linked with.
add_library(gpu INTERFACE)
target_link_libraries(gpu INTERFACE stub_cudart)
