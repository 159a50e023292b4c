# What developers ask for by hand: `cmake --build --preset test --target tidy`, `reference`.
find_program(RUN_CLANG_TIDY NAMES run-clang-tidy run-clang-tidy-14)
if(RUN_CLANG_TIDY)
  add_custom_target(tidy COMMAND ${RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR}
                                 "${PROJECT_SOURCE_DIR}/(core|backends|report|tools)/.*\\.c$"
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} USES_TERMINAL VERBATIM)
endif()
find_program(DOXYGEN doxygen)
if(DOXYGEN)
  add_custom_target(reference COMMAND ${DOXYGEN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM
    COMMENT "Reference of the public headers: build/reference/html/index.html")
endif()
