# The library weft::weft, its installation, and the llhttp objects it carries.

find_package(Threads REQUIRED)

# llhttp (HTTP/1 parser) comes as C sources in Debian's node-llhttp: docs/decisions/ says why.
find_path(WEFT_LLHTTP_INCLUDE llhttp/llhttp.h PATHS /usr/share/include /usr/include REQUIRED)
find_path(WEFT_LLHTTP_SOURCE llhttp.c PATHS /usr/share/llhttp REQUIRED)
add_library(weft_llhttp OBJECT
  ${WEFT_LLHTTP_SOURCE}/llhttp.c ${WEFT_LLHTTP_SOURCE}/api.c ${WEFT_LLHTTP_SOURCE}/http.c)
target_include_directories(weft_llhttp SYSTEM PUBLIC ${WEFT_LLHTTP_INCLUDE} ${WEFT_LLHTTP_INCLUDE}/llhttp)
target_compile_options(weft_llhttp PRIVATE -w)
# Its stricter grammar of names and targets; src/http/line_guard.hpp refuses what it still lets pass.
target_compile_definitions(weft_llhttp PRIVATE LLHTTP_STRICT_MODE=1)

file(GLOB WEFT_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*.cpp ${PROJECT_SOURCE_DIR}/src/*/*.S)
list(FILTER WEFT_SOURCES EXCLUDE REGEX "_test\\.cpp$|/src/model/[^/]*$")

add_library(weft ${WEFT_SOURCES} $<TARGET_OBJECTS:weft_llhttp>)
add_library(weft::weft ALIAS weft)
target_include_directories(weft
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(weft SYSTEM PRIVATE ${WEFT_LLHTTP_INCLUDE})
target_compile_features(weft PUBLIC cxx_std_23)
# g++ makes a tail call of a symmetric transfer only with this flag; users of a debug build need it as well.
target_compile_options(weft PUBLIC $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fcoroutines -foptimize-sibling-calls>)
# Position-independent code need not allow its functions to be replaced at load time: lets g++ inline them.
target_compile_options(weft PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-semantic-interposition>)
target_link_libraries(weft PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:weft_options>)
if(WEFT_PCH)
  target_precompile_headers(weft PRIVATE <weft/time.hpp> <weft/runtime.hpp> <vector>)
endif()
if(WEFT_UNITY)
  set_target_properties(weft PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  # g++ takes what is local to one of the sources for a header's, and warns of it.
  target_compile_options(weft PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()
set_target_properties(weft PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)

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
  target_compile_options(weft_model PUBLIC $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fcoroutines -foptimize-sibling-calls>)
  target_link_libraries(weft_model PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:weft_options>)
  if(WEFT_SANITIZE)
    target_compile_options(weft_model PRIVATE -O2)  # it takes most of the time of the model tests
  endif()
  install(TARGETS weft_model EXPORT weftTargets)
endif()

include(CMakePackageConfigHelpers)
install(TARGETS weft EXPORT weftTargets)
install(DIRECTORY include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT weftTargets NAMESPACE weft:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
configure_package_config_file(cmake/weftConfig.cmake.in ${PROJECT_BINARY_DIR}/weftConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weftConfig.cmake ${PROJECT_BINARY_DIR}/weftConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
