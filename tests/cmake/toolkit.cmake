# SPDX-License-Identifier: Apache-2.0
# Which generations of GPUs each CUDA toolkit makes code for. cmake -D ROOT=... -D DIR=... -P toolkit.cmake
cmake_minimum_required(VERSION 3.25)
include(${ROOT}/benchmarks/path/cuda/toolkit.cmake)

# expect(GENERATIONS CODE...): what a toolkit that knows these makes code for
function(expect known)
  fl_cuda_architectures("${known}" options)
  string(REGEX MATCHALL "code=[a-z]+_[0-9]+" codes "${options}")
  list(TRANSFORM codes REPLACE "^code=" "")
  if(NOT codes STREQUAL "${ARGN}")
    message(SEND_ERROR "a toolkit that knows ${known} makes code for '${codes}', not '${ARGN}'")
  endif()
endfunction()

expect("50;52;60;70;75;80;86;87;89;90" sm_75 sm_80 sm_90 compute_90) # 11.8
expect("50;75;80;86;89;90;100;101;120" sm_75 sm_80 sm_90 sm_100 sm_120 compute_90 compute_100 compute_120) # 12.8
expect("75;80;86;87;88;89;90;100;110;103;120;121" sm_75 sm_80 sm_90 sm_100 sm_120 compute_90 compute_100 compute_120) # 13.0
expect("90;100;120;140" sm_90 sm_100 sm_120 compute_90 compute_100 compute_120) # one to come
expect("75;80" sm_75 sm_80 compute_80)
expect("35;50") # nothing that feedline measures
expect("")

# A compiler says what it knows, or fails, or is not there.
file(WRITE ${DIR}/nvcc-knows "#!/bin/sh\nprintf 'sm_80\\nsm_90\\n'\n")
file(WRITE ${DIR}/nvcc-fails "#!/bin/sh\necho sm_80\necho 'unsupported GNU version' >&2\necho more >&2\nexit 1\n")
file(CHMOD ${DIR}/nvcc-knows ${DIR}/nvcc-fails PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
function(knows program)
  fl_cuda_known(${DIR}/${program} known)
  if(NOT known STREQUAL "${ARGN}")
    message(SEND_ERROR "${program} knows '${known}', not '${ARGN}'")
  endif()
endfunction()
knows(nvcc-knows 80 90)
knows(nvcc-fails)
knows(nvcc-missing)

# And whether it compiles is found out before it matters; of what it says one line is shown.
set(CMAKE_CURRENT_BINARY_DIR ${DIR})
fl_cuda_compiles("${DIR}/nvcc-knows;-x" why)
if(why)
  message(SEND_ERROR "a compiler that works is said not to: ${why}")
endif()
foreach(program nvcc-fails nvcc-missing)
  fl_cuda_compiles("${DIR}/${program};-x" why)
  if(NOT why MATCHES "^${DIR}/${program} does not compile" OR why MATCHES "more")
    message(SEND_ERROR "of ${program} is said '${why}'")
  endif()
endforeach()

# It may take another host compiler than the one of its own choice; CUDAHOSTCXX names the one to take.
file(WRITE ${DIR}/nvcc-picky "#!/bin/sh\ncase \"$*\" in *g++-9*) ;; *) echo 'unsupported GNU version' >&2; exit 1 ;; esac\n")
foreach(version 8 9 10)
  file(WRITE ${DIR}/g++-${version} "#!/bin/sh\n")
endforeach()
file(CHMOD ${DIR}/nvcc-picky ${DIR}/g++-8 ${DIR}/g++-9 ${DIR}/g++-10 PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
set(ENV{PATH} "${DIR}:$ENV{PATH}")
unset(ENV{CUDAHOSTCXX})
# hosts(PROGRAM COMMAND): compiles by that command; empty: by none
function(hosts program command)
  fl_cuda_host("${DIR}/${program};-o1" compiler why)
  if(command AND (why OR NOT compiler STREQUAL command))
    message(SEND_ERROR "${program} compiles as '${compiler}' ('${why}'), not as '${command}'")
  elseif(NOT command AND NOT why MATCHES "^${DIR}/${program} does not compile: ")
    message(SEND_ERROR "of ${program} is said '${why}'")
  endif()
endfunction()
hosts(nvcc-knows "${DIR}/nvcc-knows;-o1")
hosts(nvcc-picky "${DIR}/nvcc-picky;-o1;-ccbin;${DIR}/g++-9")
hosts(nvcc-fails "")
set(ENV{CUDAHOSTCXX} g++-10)
hosts(nvcc-picky "")
set(ENV{CUDAHOSTCXX} g++-9)
hosts(nvcc-picky "${DIR}/nvcc-picky;-o1;-ccbin;g++-9")
