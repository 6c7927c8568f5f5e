# weft_lint(target...): each source of these targets is read by weft-lint before it is compiled, and a form of
# co_await that g++ 12 miscompiles is a build error (docs/how-to/gxx12.md). Needs clang-query 19 (Debian: apt install
# clang-tools-19) and a Makefile or Ninja generator.
#
# Configuring with g++ 12 prints a line that points to it.

get_property(WEFT_LINT_KNOWN GLOBAL PROPERTY WEFT_LINT_PROGRAM)
set_property(GLOBAL PROPERTY WEFT_LINT_PROGRAM ${WEFT_LINT_PROGRAM})
if(NOT WEFT_LINT_KNOWN AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(STATUS "weft: g++ 12 miscompiles some forms of co_await without a warning; weft_lint(<target>) finds them")
endif()

function(weft_lint)
  get_property(program GLOBAL PROPERTY WEFT_LINT_PROGRAM)
  execute_process(COMMAND ${program} --which OUTPUT_VARIABLE clang_query ERROR_VARIABLE error
    OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "weft_lint: ${error}")
  endif()
  foreach(target IN LISTS ARGN)
    # CMake runs what it calls clang-tidy with each compilation, and passes it the compiler's command. A clang-tidy
    # that the target has already runs after weft-lint.
    set(command ${program} --clang-query ${clang_query})
    get_target_property(tidy ${target} CXX_CLANG_TIDY)
    if(tidy)
      list(APPEND command --then ${tidy})
    endif()
    set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY "${command}")
  endforeach()
endfunction()
