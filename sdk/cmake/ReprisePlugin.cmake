# reprise_add_plugin(NAME source... [LIBRARIES library...] [TESTS source...])
function(reprise_add_plugin name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;TESTS" ${ARGN})
  add_library(plugin_${name} MODULE ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins)
  target_link_libraries(plugin_${name} PRIVATE reprise::sdk ${ARG_LIBRARIES})
endfunction()
