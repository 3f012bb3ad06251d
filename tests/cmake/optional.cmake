# SPDX-License-Identifier: Apache-2.0
# What is built where there is what it needs. cmake -D ROOT=... -D DIR=... -P optional.cmake
cmake_minimum_required(VERSION 3.25)

# The same in a process of its own, since it may end it: cmake -D CHOICE=... -D WHY=... -P CHILD
file(WRITE ${DIR}/child.cmake "include(${ROOT}/optional.cmake)\nset(FEEDLINE_X \${CHOICE} CACHE STRING \"\")\n"
     "fl_optional(FEEDLINE_X \"x\" \"an x\")\nfl_left_out(FEEDLINE_X x \"\${WHY}\")\n")

# expect(CHOICE WHY RC WORDS): how it ends, and what it says
function(expect choice why rc words)
  execute_process(COMMAND ${CMAKE_COMMAND} -D CHOICE=${choice} -D WHY=${why} -P ${DIR}/child.cmake RESULT_VARIABLE got
                  OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT got EQUAL rc OR NOT said MATCHES "${words}")
    message(SEND_ERROR "of ${choice}: status ${got}, not ${rc}, or not '${words}': ${said}")
  endif()
endfunction()

expect(AUTO "there is no x" 0 "x: not built, there is no x")
expect(ON "there is no x" 1 "FEEDLINE_X is ON, and there is no x")
expect(OFF "" 0 "x: not built \\(FEEDLINE_X=OFF\\)")
expect(off "" 1 "FEEDLINE_X is 'off'; it can be AUTO, ON or OFF")
