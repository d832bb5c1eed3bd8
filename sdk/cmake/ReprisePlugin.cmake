# reprise_add_plugin(NAME source... [LIBRARIES library...] [TESTS source...])
#
# Makes plugins/NAME.so in the build folder, which exports nothing but reprise_entry_v1: two plugins in one
# process share no symbol, not even the unique ones of templates and inline functions.
#
# Of an installed SDK: find_package(reprise 1 REQUIRED) and enable_testing() before it.
#
# TESTS makes the program NAME_test of the test kit and GoogleTest, and registers its tests as plugins.*.  A test
# usually includes the plugin's source itself (#include "NAME.cpp"), so that it can name the plugin's classes; a
# source that no test includes is compiled into the program.
include(GoogleTest)
set(REPRISE_PLUGIN_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/exports.map)

function(reprise_add_plugin name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;TESTS" ${ARGN})
  set(sources ${ARG_UNPARSED_ARGUMENTS})
  add_library(plugin_${name} MODULE ${sources})
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" SUFFIX .so OUTPUT_NAME ${name}
                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins
                        LINK_DEPENDS ${REPRISE_PLUGIN_EXPORTS})
  target_link_libraries(plugin_${name} PRIVATE reprise::sdk ${ARG_LIBRARIES})
  target_link_options(plugin_${name} PRIVATE LINKER:--version-script=${REPRISE_PLUGIN_EXPORTS})
  if(NOT REPRISE_SANITIZE)  # a sanitizer's run-time is the host's
    target_link_options(plugin_${name} PRIVATE LINKER:-z,defs)
  endif()
  if(ARG_TESTS AND (REPRISE_TESTS OR NOT DEFINED REPRISE_TESTS))
    reprise_plugin_test(${name} "${sources}" "${ARG_LIBRARIES}" "${ARG_TESTS}")
    add_test(NAME plugins.${name}.exports_its_entry_only
             COMMAND ${CMAKE_NM} -D --defined-only --format=posix $<TARGET_FILE:plugin_${name}>)
    set_tests_properties(plugins.${name}.exports_its_entry_only PROPERTIES
                         PASS_REGULAR_EXPRESSION "^reprise_entry_v1 [A-Z] [0-9a-f ]+\n$")
  endif()
endfunction()

function(reprise_plugin_test name sources libraries tests)
  set(included "")
  foreach(test ${tests})
    file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/${test} lines REGEX "^#include \".*\\.cpp\"")
    list(APPEND included ${lines})
  endforeach()
  foreach(source ${sources})
    cmake_path(GET source FILENAME file)
    if(NOT "${included}" MATCHES "\"${file}\"")
      list(APPEND tests ${source})
    endif()
  endforeach()
  if(NOT TARGET GTest::gtest)
    find_package(GTest REQUIRED)
  endif()
  add_executable(${name}_test ${tests})
  target_link_libraries(${name}_test PRIVATE reprise::testkit ${libraries} GTest::gtest GTest::gmock GTest::gtest_main)
  if(TARGET reprise_tests)
    target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O0>)  # half the compile time
    add_dependencies(reprise_tests ${name}_test)
  endif()
  gtest_discover_tests(${name}_test TEST_PREFIX plugins. DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
