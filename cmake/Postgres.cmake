# reprise_on_postgres(PROGRAM): the test program of the kit once more, its Hosts on the PostgreSQL of the fixture `servers`
# (tests/CMakeLists.txt), as the test postgres.PROGRAM.
function(reprise_on_postgres program)
  add_test(NAME postgres.${program}
           COMMAND sh -c "set -a && . '${PROJECT_BINARY_DIR}/servers.env' && REPRISE_TESTKIT_POSTGRES=\${REPRISE_POSTGRES:?} && exec '$<TARGET_FILE:${program}>'")
  set_tests_properties(postgres.${program} PROPERTIES FIXTURES_REQUIRED servers LABELS cluster TIMEOUT 300)
endfunction()
