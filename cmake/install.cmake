# What `cmake --install` puts where: programs, library, public headers, models and documents, and
# what pkg-config and find_package(digits) read. Nothing installed names the prefix but the last
# resort of the model lookup, so the tree can be moved.
include(CMakePackageConfigHelpers)

install(TARGETS digits EXPORT digits-static-targets COMPONENT development)
install(TARGETS digits-exchange EXPORT digits-exchange-static-targets COMPONENT development)
install(TARGETS digits-shared digits-exchange-shared EXPORT digits-targets
        LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(DIRECTORY include/digits DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN *.h)
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/digits/models COMPONENT data
        FILES_MATCHING PATTERN *.cfg)
install(DIRECTORY weights/ DESTINATION ${CMAKE_INSTALL_DATADIR}/digits/weights COMPONENT data
        FILES_MATCHING PATTERN *.safetensors)
install(FILES README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES models/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/models)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/digits)
foreach(targets digits digits-static digits-exchange-static)
  install(EXPORT ${targets}-targets NAMESPACE digits:: DESTINATION ${package} COMPONENT development)
endforeach()
configure_file(cmake/digits-config.cmake.in digits-config.cmake @ONLY)
write_basic_package_version_file(digits-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/digits-config.cmake
              ${PROJECT_BINARY_DIR}/digits-config-version.cmake DESTINATION ${package}
        COMPONENT development)

# digits-static links digits itself statically; what static versions of the shared libraries beneath
# it need (Fortran's, bzip2, curl) is not asked for.
set(libs_private ${CBLAS_LDFLAGS} ${LIBCONFIG_LDFLAGS} ${JANSSON_LDFLAGS} ${JPEG_LDFLAGS}
    ${LIBZIP_LDFLAGS} ${CMAKE_THREAD_LIBS_INIT})
if(DIGITS_HAVE_OPENCL)
  list(APPEND libs_private -lOpenCL)
endif()
if(DIGITS_HAVE_CLBLAST)
  list(APPEND libs_private ${CLBLAST_LDFLAGS})
endif()
set(exchange_libs_private ${HDF5_LDFLAGS})
if(DIGITS_HAVE_PROTOBUF)
  list(APPEND exchange_libs_private ${PROTOBUF_C_LDFLAGS})
endif()
file(RELATIVE_PATH prefix_beside ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(libs libs_private exchange_libs_private)
  list(REMOVE_DUPLICATES ${libs})
  list(JOIN ${libs} " " ${libs})
endforeach()
foreach(library digits digits-static digits-exchange digits-exchange-static)
  configure_file(cmake/${library}.pc.in ${library}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${library}.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
