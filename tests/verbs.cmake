# SPDX-License-Identifier: Apache-2.0
# A libibverbs over host memory (stubs/verbs), linked in place of the real one, so that what goes by RDMA is tested where there
# is no NIC that can. Its header is the real one's: most of the calls of the hot path are inline in it.
if(TARGET path_rdma)
  # What tests/unit/rdma is linked with: the rows and their hooks, and the stub.
  file(GLOB verbs_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/stubs/verbs/*.c ${PROJECT_SOURCE_DIR}/benchmarks/rdma/*.c)
  add_library(rdma STATIC ${verbs_sources})
  target_link_libraries(rdma PUBLIC path_rdma INTERFACE lane run)
  target_include_directories(rdma PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_options(rdma INTERFACE -Wl,--wrap=poll) # to sleep by the stub's clock

  # What tests/unit/path_rdma_verbs is linked with has no libibverbs either: it is opened.
  target_link_libraries(path_rdma_verbs INTERFACE path_rdma)
endif()
