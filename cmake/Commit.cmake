# REPRISE_COMMIT: the commit this tree is of, as `reprise version` and /metrics say it; "unknown" outside git.
# A packager without git may give it: -DREPRISE_COMMIT=...  A new commit configures again, and one file is compiled.
set(REPRISE_COMMIT "" CACHE STRING "the commit of this tree; empty: asked of git")
set(reprise_commit "${REPRISE_COMMIT}")
find_package(Git QUIET)
if(NOT reprise_commit AND GIT_FOUND)
  # Only the tree's own repository: one around an unpacked archive says nothing about it.
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --show-prefix --git-path logs/HEAD --short=12 HEAD
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE answer RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed AND answer MATCHES "^\n([^\n]+)\n([0-9a-f]+)\n$")
    set(reprise_commit ${CMAKE_MATCH_2})
    set(log ${CMAKE_MATCH_1})
    cmake_path(ABSOLUTE_PATH log BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    if(EXISTS ${log})
      set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${log})
    endif()
  endif()
endif()
if(NOT reprise_commit)
  set(reprise_commit unknown)
endif()
