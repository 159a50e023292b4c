# What `cmake --install` puts where: programs, library, public headers, models and documents, and
# what pkg-config and find_package(digits) read. Nothing installed names the prefix but the last
# resort of the model lookup, so the tree can be moved.
include(CMakePackageConfigHelpers)

install(TARGETS digits EXPORT digits-targets COMPONENT development)
install(FILES core/digits.h core/bench.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/digits
        COMPONENT development)
install(FILES core/support/error.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/digits/support
        COMPONENT development)
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/digits/models
        FILES_MATCHING PATTERN *.cfg)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES models/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/models)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Where models are found by name: relative to the programs, so that an installed tree can be moved
# and the build tree, where a link stands for the folder, is no special case; else where they are
# installed.
set(models_folder ${CMAKE_INSTALL_FULL_DATADIR}/digits/models)
file(RELATIVE_PATH models_beside ${CMAKE_INSTALL_FULL_BINDIR} ${models_folder})
set_source_files_properties(core/model/catalog.c PROPERTIES COMPILE_DEFINITIONS
  "DIGITS_MODELS_FOLDER=\"${models_folder}\";DIGITS_MODELS_BESIDE=\"${models_beside}\"")
cmake_path(ABSOLUTE_PATH models_beside BASE_DIRECTORY ${PROJECT_BINARY_DIR}/tools NORMALIZE
           OUTPUT_VARIABLE models_link)
cmake_path(GET models_link PARENT_PATH models_parent)
file(MAKE_DIRECTORY ${models_parent})
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/models ${models_link} SYMBOLIC)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/digits)
install(EXPORT digits-targets NAMESPACE digits:: DESTINATION ${package}
        COMPONENT development)
configure_file(cmake/digits-config.cmake.in digits-config.cmake @ONLY)
write_basic_package_version_file(digits-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/digits-config.cmake
              ${PROJECT_BINARY_DIR}/digits-config-version.cmake DESTINATION ${package}
        COMPONENT development)

set(requires_private "zlib libconfig jansson openblas")
set(libs_private "${OpenMP_C_FLAGS} -lm")
if(DIGITS_HAVE_OPENCL)
  string(PREPEND libs_private "-lOpenCL ")
endif()
if(DIGITS_HAVE_CLBLAST)
  string(APPEND requires_private " clblast")
endif()
if(LIBZIP_FOUND)
  string(APPEND requires_private " libzip")
endif()
if(HDF5_FOUND)
  string(APPEND requires_private " hdf5")
endif()
if(DIGITS_HAVE_PROTOBUF)
  string(APPEND requires_private " libprotobuf-c")
endif()
file(RELATIVE_PATH prefix_beside ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/digits.pc.in digits.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/digits.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)
