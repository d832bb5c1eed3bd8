# A runtime folder is a static library that sees its own headers, those of the folders it names, and nothing
# else: each folder has an include root that holds one link to it, so a forbidden include does not compile.

# reprise_layer(NAME SEES folder... USES library...)
function(reprise_layer name)
  cmake_parse_arguments(ARG "" "" "SEES;USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main[.]cpp$")  # the executable's; a test brings its own
  if(NOT sources)  # a folder of interfaces only
    set(sources ${PROJECT_BINARY_DIR}/${name}_interfaces.cpp)
    file(CONFIGURE OUTPUT ${sources} CONTENT "")
  endif()
  set(root ${PROJECT_BINARY_DIR}/include-roots/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${name} ${root}/${name} SYMBOLIC)
  add_library(reprise_${name} STATIC ${sources})
  set_property(TARGET reprise_${name} PROPERTY REPRISE_INCLUDE_ROOT ${root})
  target_include_directories(reprise_${name} PRIVATE ${root})
  target_link_libraries(reprise_${name} PRIVATE ${ARG_USES} Threads::Threads)
  if("Boost::headers" IN_LIST ARG_USES AND NOT name STREQUAL "ports")
    if(name STREQUAL "model")  # the first of them; all are compiled alike
      target_precompile_headers(reprise_model PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled.h)
    else()
      target_precompile_headers(reprise_${name} REUSE_FROM reprise_model)
    endif()
  endif()
  foreach(other ${ARG_SEES})
    get_property(other_root TARGET reprise_${other} PROPERTY REPRISE_INCLUDE_ROOT)
    target_include_directories(reprise_${name} PRIVATE ${other_root})
    target_link_libraries(reprise_${name} PRIVATE reprise_${other})
  endforeach()
endfunction()

# reprise_sees(TARGET folder...): the same for a test or an executable.
function(reprise_sees target)
  foreach(other ${ARGN})
    get_property(other_root TARGET reprise_${other} PROPERTY REPRISE_INCLUDE_ROOT)
    target_include_directories(${target} PRIVATE ${other_root})
    target_link_libraries(${target} PRIVATE reprise_${other})
  endforeach()
endfunction()
