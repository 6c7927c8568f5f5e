# The core library weft::weft, which needs no third-party package, the parts beside it, and their installation.

find_package(Threads REQUIRED)

# A frame that is larger than the guard below a fiber's stack touches the guard on its way, in the library and in what its
# users run on fibers, or under the model checker.
function(weft_guarded_stacks target)
  target_compile_options(${target} PUBLIC $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang>:-fstack-clash-protection>
                                          $<$<COMPILE_LANG_AND_ID:C,GNU,Clang>:-fstack-clash-protection>)
endfunction()

# Compiles so many sources of a target at a time.
function(weft_join_sources target count)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${count})
  # g++ takes what is local to one of the sources for a header's, and warns of it.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endfunction()

# What the libraries have in common: weft_library_options(target component).
function(weft_library_options target component)
  add_library(weft::${component} ALIAS ${target})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(${target} PUBLIC cxx_std_23)
  # g++ makes a tail call of a symmetric transfer only with this flag; users of a debug build need it as well.
  target_compile_options(${target} PUBLIC $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fcoroutines -foptimize-sibling-calls>)
  weft_guarded_stacks(${target})
  # Position-independent code need not allow its functions to be replaced at load time: lets g++ inline them.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-semantic-interposition>)
  target_link_libraries(${target} PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:weft_options>)
  if(WEFT_PCH)
    target_precompile_headers(${target} PRIVATE <weft/runtime.hpp> <vector>)
  endif()
  if(WEFT_UNITY OR (WEFT_QUICK_BUILD AND NOT component MATCHES "^(weft|http)$"))
    weft_join_sources(${target} 10)
  endif()
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                              EXPORT_NAME ${component})
  install(TARGETS ${target} EXPORT weft-${component}-targets)
  install(EXPORT weft-${component}-targets NAMESPACE weft:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
endfunction()

file(GLOB WEFT_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*.cpp ${PROJECT_SOURCE_DIR}/src/*/*.S)
list(FILTER WEFT_SOURCES EXCLUDE REGEX "_test\\.cpp$|/src/(model|http|dns|tls|compression)/[^/]*$")

add_library(weft ${WEFT_SOURCES})
weft_library_options(weft weft)

# HTTP/1.1, written against the core's public headers. llhttp, its parser, comes as C sources in Debian's node-llhttp
# (docs/decisions/001-http-parser.md).
if(WEFT_BUILD_HTTP)
  find_path(WEFT_LLHTTP_INCLUDE llhttp/llhttp.h PATHS /usr/share/include /usr/include)
  find_path(WEFT_LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp)
  if(NOT WEFT_LLHTTP_INCLUDE OR NOT WEFT_LLHTTP_SOURCE)
    message(FATAL_ERROR "weft::http needs llhttp 8: install node-llhttp, or set WEFT_LLHTTP_INCLUDE and "
                        "WEFT_LLHTTP_SOURCE, or build without it (-DWEFT_BUILD_HTTP=OFF)")
  endif()
  add_library(weft_llhttp OBJECT
    ${WEFT_LLHTTP_SOURCE}/llhttp.c ${WEFT_LLHTTP_SOURCE}/api.c ${WEFT_LLHTTP_SOURCE}/http.c)
  target_include_directories(weft_llhttp SYSTEM PUBLIC ${WEFT_LLHTTP_INCLUDE} ${WEFT_LLHTTP_INCLUDE}/llhttp)
  target_compile_options(weft_llhttp PRIVATE -w)
  # Its stricter grammar of names and targets; src/http/line_guard.hpp refuses what it still lets pass.
  target_compile_definitions(weft_llhttp PRIVATE LLHTTP_STRICT_MODE=1)

  file(GLOB WEFT_HTTP_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/http/*.cpp)
  list(FILTER WEFT_HTTP_SOURCES EXCLUDE REGEX "_test\\.cpp$")
  add_library(weft_http ${WEFT_HTTP_SOURCES} $<TARGET_OBJECTS:weft_llhttp>)
  weft_library_options(weft_http http)
  target_include_directories(weft_http SYSTEM PRIVATE ${WEFT_LLHTTP_INCLUDE})
  target_link_libraries(weft_http PUBLIC weft)
endif()

# Compression, in memory, over streams and in HTTP, on zlib, brotli and zstd (docs/decisions/047-parts-of-http.md).
if(WEFT_BUILD_COMPRESSION)
  if(NOT TARGET weft_http)
    message(FATAL_ERROR "weft::compression needs weft::http: build both, or neither (-DWEFT_BUILD_COMPRESSION=OFF)")
  endif()
  find_package(ZLIB REQUIRED)
  find_path(WEFT_BROTLI_INCLUDE brotli/decode.h)
  find_library(WEFT_BROTLIENC_LIBRARY brotlienc)
  find_library(WEFT_BROTLIDEC_LIBRARY brotlidec)
  find_path(WEFT_ZSTD_INCLUDE zstd.h)
  find_library(WEFT_ZSTD_LIBRARY zstd)
  if(NOT WEFT_BROTLI_INCLUDE OR NOT WEFT_BROTLIENC_LIBRARY OR NOT WEFT_BROTLIDEC_LIBRARY OR NOT WEFT_ZSTD_INCLUDE OR
     NOT WEFT_ZSTD_LIBRARY)
    message(FATAL_ERROR "weft::compression needs brotli and zstd: install libbrotli-dev and libzstd-dev, or build "
                        "without it (-DWEFT_BUILD_COMPRESSION=OFF)")
  endif()
  file(GLOB WEFT_COMPRESSION_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/compression/*.cpp)
  add_library(weft_compression ${WEFT_COMPRESSION_SOURCES})
  weft_library_options(weft_compression compression)
  target_include_directories(weft_compression SYSTEM PRIVATE
    ${ZLIB_INCLUDE_DIRS} ${WEFT_BROTLI_INCLUDE} ${WEFT_ZSTD_INCLUDE})
  target_link_libraries(weft_compression PUBLIC weft_http PRIVATE
    $<BUILD_INTERFACE:${ZLIB_LIBRARIES}> $<BUILD_INTERFACE:${WEFT_BROTLIENC_LIBRARY}>
    $<BUILD_INTERFACE:${WEFT_BROTLIDEC_LIBRARY}> $<BUILD_INTERFACE:${WEFT_ZSTD_LIBRARY}>
    $<INSTALL_INTERFACE:z> $<INSTALL_INTERFACE:brotlienc> $<INSTALL_INTERFACE:brotlidec> $<INSTALL_INTERFACE:zstd>)
endif()

# Names by asking servers, on c-ares (docs/decisions/042-names.md).
if(WEFT_BUILD_DNS)
  find_path(WEFT_CARES_INCLUDE ares.h)
  find_library(WEFT_CARES_LIBRARY cares)
  if(NOT WEFT_CARES_INCLUDE OR NOT WEFT_CARES_LIBRARY)
    message(FATAL_ERROR "weft::dns needs c-ares 1.18 or newer: install libc-ares-dev, or set WEFT_CARES_INCLUDE and "
                        "WEFT_CARES_LIBRARY, or build without it (-DWEFT_BUILD_DNS=OFF)")
  endif()
  file(GLOB WEFT_DNS_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/dns/*.cpp)
  list(FILTER WEFT_DNS_SOURCES EXCLUDE REGEX "_test\\.cpp$")
  add_library(weft_dns ${WEFT_DNS_SOURCES})
  weft_library_options(weft_dns dns)
  target_include_directories(weft_dns SYSTEM PRIVATE ${WEFT_CARES_INCLUDE})
  target_link_libraries(weft_dns PUBLIC weft PRIVATE $<BUILD_INTERFACE:${WEFT_CARES_LIBRARY}> $<INSTALL_INTERFACE:cares>)
endif()

# TLS on OpenSSL 3 (docs/decisions/048-tls.md).
if(WEFT_BUILD_TLS)
  find_package(OpenSSL 3.0)
  if(NOT OpenSSL_FOUND)
    message(FATAL_ERROR "weft::tls needs OpenSSL 3: install libssl-dev, or set OPENSSL_ROOT_DIR, or build without it "
                        "(-DWEFT_BUILD_TLS=OFF)")
  endif()
  file(GLOB WEFT_TLS_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/tls/*.cpp)
  list(FILTER WEFT_TLS_SOURCES EXCLUDE REGEX "_test\\.cpp$")
  add_library(weft_tls ${WEFT_TLS_SOURCES})
  weft_library_options(weft_tls tls)
  target_link_libraries(weft_tls PUBLIC weft PRIVATE $<BUILD_INTERFACE:OpenSSL::SSL> $<INSTALL_INTERFACE:ssl> $<INSTALL_INTERFACE:crypto>)
endif()

# The model checker, with the atomics, mutexes and parkers of its mode (include/weft/model.hpp): for
# tests of code written with <weft/atomic.hpp>, instead of weft::weft. (The mode is one for all that is compiled here.)
if(WEFT_BUILD_MODEL AND WEFT_ATOMIC_MODE STREQUAL "plain")
  file(GLOB WEFT_MODEL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/model/*.cpp
    ${PROJECT_SOURCE_DIR}/src/base/*.cpp ${PROJECT_SOURCE_DIR}/src/fiber/context_*.S)
  list(FILTER WEFT_MODEL_SOURCES EXCLUDE REGEX "(_test|/frame_(pool|depot))\\.cpp$")
  add_library(weft_model STATIC ${WEFT_MODEL_SOURCES})
  add_library(weft::model ALIAS weft_model)
  set_target_properties(weft_model PROPERTIES EXPORT_NAME model)
  target_compile_definitions(weft_model PUBLIC WEFT_ATOMIC_MODE=2)
  target_include_directories(weft_model
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(weft_model PUBLIC cxx_std_23)
  weft_guarded_stacks(weft_model)
  target_compile_options(weft_model PUBLIC $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fcoroutines -foptimize-sibling-calls>)
  target_link_libraries(weft_model PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:weft_options>)
  if(WEFT_SANITIZE)
    target_compile_options(weft_model PRIVATE -O2)  # it takes most of the time of the model tests
  endif()
  install(TARGETS weft_model EXPORT weft-model-targets)
  install(EXPORT weft-model-targets NAMESPACE weft:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
endif()

include(CMakePackageConfigHelpers)
install(DIRECTORY include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp"
  PATTERN "http*" EXCLUDE PATTERN "model*" EXCLUDE PATTERN "dns" EXCLUDE PATTERN "tls*" EXCLUDE PATTERN "compression*" EXCLUDE)
if(TARGET weft_http)
  install(FILES include/weft/http.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft)
  install(DIRECTORY include/weft/http DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft FILES_MATCHING PATTERN "*.hpp")
endif()
if(TARGET weft_compression)
  install(FILES include/weft/compression.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft)
  install(DIRECTORY include/weft/compression DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft FILES_MATCHING PATTERN "*.hpp")
endif()
if(TARGET weft_dns)
  install(DIRECTORY include/weft/dns DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft FILES_MATCHING PATTERN "*.hpp")
endif()
if(TARGET weft_tls)
  install(FILES include/weft/tls.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft)
  install(DIRECTORY include/weft/tls DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft FILES_MATCHING PATTERN "*.hpp")
endif()
if(TARGET weft_model)
  install(FILES include/weft/model.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft)
  install(DIRECTORY include/weft/model DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weft FILES_MATCHING PATTERN "*.hpp")
endif()
# The license and the documents. Their links to what is not installed become plain text.
install(CODE "set(source [==[${PROJECT_SOURCE_DIR}]==])
  set(output [==[${PROJECT_BINARY_DIR}/documents]==])
  set(documents [==[${CMAKE_INSTALL_FULL_DATAROOTDIR}/doc/weft]==])
  set(headers [==[${CMAKE_INSTALL_FULL_INCLUDEDIR}]==])
  include([==[${PROJECT_SOURCE_DIR}/cmake/WeftDocuments.cmake]==])")
install(DIRECTORY ${PROJECT_BINARY_DIR}/documents/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/weft)
configure_package_config_file(cmake/weftConfig.cmake.in ${PROJECT_BINARY_DIR}/weftConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake cmake/WeftLint.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
# What finds the forms of co_await that g++ 12 miscompiles in a user's sources: needs no build, and clang-query to run.
install(PROGRAMS tools/lint/weft_lint.py DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME weft-lint)
install(FILES tools/lint/weft-lint.query DESTINATION ${CMAKE_INSTALL_DATADIR}/weft)
