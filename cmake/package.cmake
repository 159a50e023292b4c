# Debian packages by CPack: digits (programs and documents), digits-data (models and weights),
# libdigits0 (the shared libraries) and libdigits-dev (headers and static libraries). dpkg-shlibdeps
# finds what programs and libraries depend on. The preset "package" builds for /usr; packages
# of any other build are laid out for /usr too.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME digits)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "OpenCL networks that tell images apart, with a model zoo")
set(CPACK_PACKAGE_VENDOR "the digits developers")
set(CPACK_PACKAGE_CONTACT "The digits developers <developers@digits.invalid>" CACHE STRING
    "Maintainer of the Debian packages")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CPACK_PACKAGE_CONTACT}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL programs data library development)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/compress.cmake)

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME digits)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_DEPENDS "digits-data (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SUGGESTS libdigits-dev)
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION
    "Programs that train, test, measure and convert networks that tell
images apart. A model is a text file; it runs on any OpenCL device, or
on the processor alone without any driver. Digits to learn from are
built in, MNIST's files are read.")

set(CPACK_DEBIAN_DATA_PACKAGE_NAME digits-data)
set(CPACK_DEBIAN_DATA_PACKAGE_SECTION science)
set(CPACK_DEBIAN_DATA_PACKAGE_ARCHITECTURE all)
set(CPACK_COMPONENT_DATA_DESCRIPTION
    "Models and trained weights: text files that say what networks consist
of and how they learn, and the weights that some of them have learned.
The programs in the package digits find them by name, and so do programs
that use the library.")

set(soname ${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libdigits${soname})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
# What dpkg-shlibdeps reads of it, and that the linker's cache is made anew.
set(control ${PROJECT_BINARY_DIR}/library-control)
set(shlibs "")
foreach(library digits digits-exchange)
  string(APPEND shlibs "lib${library} ${soname} libdigits${soname} (>= ${PROJECT_VERSION})\n")
endforeach()
file(WRITE ${control}/shlibs ${shlibs})
file(WRITE ${control}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${control}/shlibs ${control}/triggers)
# CPack would write scripts that call ldconfig, which the trigger does.
foreach(script postinst postrm)
  file(WRITE ${control}/${script} "#!/bin/sh\nset -e\n# ldconfig is called by a trigger\n")
  file(CHMOD ${control}/${script} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
       GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  list(APPEND CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${control}/${script})
endforeach()
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SUGGESTS digits-data)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
    "The shared libraries, for programs that train networks and use them, on
any OpenCL device or on the processor alone. libdigits-exchange reads
and writes the weight files of other programs.")

# What a program that links the static libraries needs.
set(needs zlib1g-dev libopenblas-dev libconfig-dev libjansson-dev libpng-dev libjpeg62-turbo-dev)
if(LIBZIP_FOUND)
  list(APPEND needs libzip-dev)
endif()
if(DIGITS_HAVE_OPENCL)
  list(APPEND needs ocl-icd-opencl-dev)
endif()
if(DIGITS_HAVE_CLBLAST)
  list(APPEND needs libclblast-dev)
endif()
list(PREPEND needs "libdigits${soname} (= ${PROJECT_VERSION})")
list(JOIN needs ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)
set(exchange_needs "") # what converts weights needs them, what only trains does without
if(HDF5_FOUND)
  list(APPEND exchange_needs libhdf5-dev)
endif()
if(DIGITS_HAVE_PROTOBUF)
  list(APPEND exchange_needs libprotobuf-c-dev)
endif()
list(JOIN exchange_needs ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libdigits-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS digits)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Headers and static libraries for programs in C and C++ that train
networks and use them, and what pkg-config and CMake need to find them.
The package digits holds documents and examples, digits-data models.")

# Debian wants the licence of each package under this name, and a list of changes.
string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(cmake/changelog.in changelog @ONLY)
foreach(component ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${component} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} RENAME copyright
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${PROJECT_BINARY_DIR}/changelog DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
include(CPack)
