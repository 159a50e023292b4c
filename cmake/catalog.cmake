# Where models and weights are found by name: relative to the programs, so that an installed tree
# can be moved and the build tree, where links stand for the folders, is no special case; else where
# they are installed.
set(catalog_definitions "")
foreach(kind models weights)
  string(TOUPPER ${kind} KIND)
  set(folder ${CMAKE_INSTALL_FULL_DATADIR}/digits/${kind})
  file(RELATIVE_PATH beside ${CMAKE_INSTALL_FULL_BINDIR} ${folder})
  list(APPEND catalog_definitions DIGITS_${KIND}_FOLDER="${folder}"
       DIGITS_${KIND}_BESIDE="${beside}")
  cmake_path(ABSOLUTE_PATH beside BASE_DIRECTORY ${PROJECT_BINARY_DIR}/tools NORMALIZE
             OUTPUT_VARIABLE link)
  cmake_path(GET link PARENT_PATH parent)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${kind} ${link} SYMBOLIC)
endforeach()
set_source_files_properties(core/model/catalog.c PROPERTIES COMPILE_DEFINITIONS
                            "${catalog_definitions}")
