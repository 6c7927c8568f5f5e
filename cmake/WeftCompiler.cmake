# Compiler settings shared by every target of this project (nothing here is exported except where said).

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12.2)
  message(FATAL_ERROR "weft needs g++ 12.2 or newer (found ${CMAKE_CXX_COMPILER_VERSION})")
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "weft needs clang 19 or newer: older ones write a coroutine's frame after it "
                      "was suspended (found ${CMAKE_CXX_COMPILER_VERSION})")
endif()

# Private options of our own targets: warnings, sanitizers.
add_library(weft_options INTERFACE)
target_compile_options(weft_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # A false alarm of g++ 12 in std::string's operator+ (GCC bug 105651).
  target_compile_options(weft_options INTERFACE -Wno-restrict)
  if(WEFT_PCH)
    # More of them, since it does not take what is precompiled for a system's header. Without it they are on.
    target_compile_options(weft_options INTERFACE -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
  endif()
endif()
if(WEFT_WERROR)
  target_compile_options(weft_options INTERFACE -Werror)
endif()
if(WEFT_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "sanitizer builds need clang 19: g++ grows the stack on symmetric transfer under them")
  endif()
  add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()

# Three modes of weft::Atomic; the third, deterministic, is a separate library for the model tests.
if(WEFT_ATOMIC_MODE STREQUAL "perturbed")
  add_compile_definitions(WEFT_ATOMIC_MODE=1)
elseif(NOT WEFT_ATOMIC_MODE STREQUAL "plain")
  message(FATAL_ERROR "WEFT_ATOMIC_MODE must be plain or perturbed, not '${WEFT_ATOMIC_MODE}'")
endif()
