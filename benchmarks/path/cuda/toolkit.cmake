# SPDX-License-Identifier: Apache-2.0
# toolkit.cmake: what is asked of a CUDA toolkit.

# fl_cuda_architectures(KNOWN OUT): options for nvcc. KNOWN: the generations that the toolkit can compile for, as numbers. Code
# for those that servers have; what is newer than all of them or between them is compiled by its driver from portable code.
function(fl_cuda_architectures known out)
  set(options)
  set(newest)
  foreach(generation 75 80 90 100 120) # code for 80 runs on 86 and 89, too, and so on
    if(generation IN_LIST known)
      list(APPEND options -gencode arch=compute_${generation},code=sm_${generation})
      set(newest ${generation})
    endif()
  endforeach()
  foreach(generation 90 100 120) # those between two of these, as 110, are newer than the one and older than the other
    if(generation IN_LIST known)
      list(APPEND options -gencode arch=compute_${generation},code=compute_${generation})
      set(newest FALSE)
    endif()
  endforeach()
  if(newest)
    list(APPEND options -gencode arch=compute_${newest},code=compute_${newest})
  endif()
  set(${out} "${options}" PARENT_SCOPE)
endfunction()

# fl_cuda_known(NVCC OUT): the generations that it can compile for.
function(fl_cuda_known nvcc out)
  execute_process(COMMAND ${nvcc} --list-gpu-code OUTPUT_VARIABLE text RESULT_VARIABLE rc ERROR_QUIET)
  set(known)
  if(rc EQUAL 0)
    string(REGEX MATCHALL "sm_[0-9]+" known "${text}")
    list(TRANSFORM known REPLACE "^sm_" "")
  endif()
  set(${out} "${known}" PARENT_SCOPE)
endfunction()

# fl_cuda_compiles(NVCC OUT): empty, or why it does not compile: it wants a host compiler that it knows. NVCC: with options.
function(fl_cuda_compiles nvcc out)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/cuda-try.cu)
  file(WRITE ${source} "#include <cstdint>\n__global__ void nothing()\n{\n}\n")
  execute_process(COMMAND ${nvcc} -c ${source} -o ${source}.o
    RESULT_VARIABLE rc OUTPUT_VARIABLE said ERROR_VARIABLE said)
  set(why "")
  if(NOT rc EQUAL 0)
    list(GET nvcc 0 program)
    string(REGEX REPLACE "\n.*" "" why "${program} does not compile: ${said}")
  endif()
  set(${out} "${why}" PARENT_SCOPE)
endfunction()

# fl_cuda_host(NVCC OUT WHY): NVCC with a host compiler that it takes; else why it does not compile. That is the one which
# CUDAHOSTCXX names, or that of its own choice. Where it takes none of its own, it is the newest that is installed and that
# it takes: a distribution may have a toolkit that is older than its compiler, and an older compiler for it.
function(fl_cuda_host nvcc out why)
  set(compiler ${nvcc})
  if(DEFINED ENV{CUDAHOSTCXX})
    list(APPEND compiler -ccbin $ENV{CUDAHOSTCXX})
  endif()
  fl_cuda_compiles("${compiler}" reason)
  if(reason AND NOT DEFINED ENV{CUDAHOSTCXX})
    foreach(version RANGE 16 8 -1)
      find_program(host g++-${version} NO_CACHE)
      if(host)
        fl_cuda_compiles("${nvcc};-ccbin;${host}" other)
        if(NOT other)
          set(compiler ${nvcc} -ccbin ${host})
          set(reason "")
          break()
        endif()
      endif()
      unset(host)
    endforeach()
  endif()
  set(${out} "${compiler}" PARENT_SCOPE)
  set(${why} "${reason}" PARENT_SCOPE)
endfunction()
