# SPDX-License-Identifier: Apache-2.0
# What is built where there is what it needs: AUTO; ON insists on it, OFF does without.

# fl_optional(VARIABLE WHAT NEEDS): declares the choice. WHAT: what it is good for; NEEDS: "Open MPI"
function(fl_optional variable what needs)
  set(${variable} AUTO CACHE STRING "${what}: AUTO (where there is ${needs}), ON, OFF")
  set_property(CACHE ${variable} PROPERTY STRINGS AUTO ON OFF)
  if(NOT ${variable} MATCHES "^(AUTO|ON|OFF)$")
    message(FATAL_ERROR "${variable} is '${${variable}}'; it can be AUTO, ON or OFF")
  endif()
endfunction()

# fl_left_out(VARIABLE WHAT WHY): it is not built; WHY empty: since that is the choice. Fails where it is to be built.
function(fl_left_out variable what why)
  if(${variable} STREQUAL OFF)
    message(STATUS "${what}: not built (${variable}=OFF)")
  elseif(${variable} STREQUAL ON)
    message(FATAL_ERROR "${variable} is ON, and ${why}")
  else()
    message(STATUS "${what}: not built, ${why}")
  endif()
endfunction()
