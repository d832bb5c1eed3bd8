# find_package(reprise): reprise::sdk, reprise::json, reprise::http, reprise::testkit and reprise_add_plugin.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(Boost 1.81)
find_dependency(SQLite3)
find_dependency(CURL)
include(${CMAKE_CURRENT_LIST_DIR}/reprise-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/ReprisePlugin.cmake)
