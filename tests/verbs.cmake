# SPDX-License-Identifier: Apache-2.0
# A libibverbs over host memory (stubs/verbs), linked in place of the real one, so that what goes by RDMA is tested where there
# is no NIC that can. Its header is the real one's: most of the calls of the hot path are inline in it.
if(TARGET path_rdma)
  # What tests/unit/rdma is linked with: the rows and their hooks, and the stub. No GPU has memory there: their stub waits by
  # the real clock, and that of the verbs is one of its own.
  file(GLOB verbs_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/stubs/verbs/*.c)
  set(gpu ${benchmarks}/path/rdma/gpu)
  file(GLOB rdma_sources CONFIGURE_DEPENDS ${benchmarks}/rdma/*.c)
  add_library(rdma STATIC ${verbs_sources} ${rdma_sources} ${gpu}/on.c ${gpu}/none.c)
  target_link_libraries(rdma PUBLIC path_rdma stub_text INTERFACE lane run)
  target_include_directories(rdma PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_options(rdma INTERFACE -Wl,--wrap=poll) # to sleep by the stub's clock

  # What tests/unit/rdma_gpu is linked with: the same over both stubs, whose insides have names in common.
  add_library(rdma_gpu_verbs OBJECT ${verbs_sources})
  target_link_libraries(rdma_gpu_verbs PRIVATE path_rdma)
  target_include_directories(rdma_gpu_verbs PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(name enter leave misuse_locked reach_locked settings_mishap settings_read stub)
    target_compile_definitions(rdma_gpu_verbs PRIVATE ${name}=verbs_${name})
  endforeach()
  add_library(rdma_gpu STATIC $<TARGET_OBJECTS:rdma_gpu_verbs> ${rdma_sources} ${gpu}/on.c ${gpu}/cuda.c)
  target_link_libraries(rdma_gpu PUBLIC path_rdma ${runtime} stub_cudart)
  target_include_directories(rdma_gpu PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_options(rdma_gpu INTERFACE -Wl,--wrap=poll)

  # What tests/unit/path_rdma_verbs is linked with has no libibverbs either: it is opened.
  target_link_libraries(path_rdma_verbs INTERFACE path_rdma)
endif()
