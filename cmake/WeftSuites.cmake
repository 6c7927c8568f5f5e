# weft_discover_suites(target label timeout): a ctest test for each suite of a googletest executable, listed when it
# has been built. Not one for each case: under AddressSanitizer such an executable takes a third of a second to start.
#
# The variable WEFT_CASES_LEFT_OUT, patterns of googletest separated by ':', says which cases are not run.
#
# As a script (-D EXECUTABLE, LABEL, TIMEOUT, LEFT_OUT, OUTPUT) it writes that list.

if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND ${EXECUTABLE} --gtest_list_tests OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
  # "Suite.", for one of parameters with a comment behind it; its cases are indented.
  string(REGEX MATCHALL "\n[A-Za-z0-9_/]+\\.[^\n]*" suites "\n${listed}")
  set(tests "")
  foreach(suite IN LISTS suites)
    string(REGEX REPLACE "^\n([A-Za-z0-9_/]+)\\..*" "\\1" suite "${suite}")
    set(filter "${suite}.*")
    if(LEFT_OUT)
      string(APPEND filter "-${LEFT_OUT}")
    endif()
    string(APPEND tests "add_test([==[${suite}]==] [==[${EXECUTABLE}]==] [==[--gtest_filter=${filter}]==])\n"
      "set_tests_properties([==[${suite}]==] PROPERTIES LABELS [==[${LABEL}]==] TIMEOUT ${TIMEOUT})\n")
  endforeach()
  if(tests STREQUAL "")
    message(FATAL_ERROR "${EXECUTABLE} lists no test")
  endif()
  file(WRITE ${OUTPUT} "${tests}")
  return()
endif()

set(WEFT_SUITES_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(weft_discover_suites target label timeout)
  set(list ${CMAKE_CURRENT_BINARY_DIR}/${target}_suites.cmake)
  add_custom_command(TARGET ${target} POST_BUILD BYPRODUCTS ${list}
    COMMAND ${CMAKE_COMMAND} -D EXECUTABLE=$<TARGET_FILE:${target}> -D LABEL=${label} -D TIMEOUT=${timeout}
      -D LEFT_OUT=${WEFT_CASES_LEFT_OUT} -D OUTPUT=${list} -P ${WEFT_SUITES_SCRIPT} VERBATIM)
  set(include ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake)
  file(WRITE ${include} "if(EXISTS [==[${list}]==])\n  include([==[${list}]==])\n"
    "else()\n  add_test(${target}_not_built ${target}_not_built)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include})
endfunction()
