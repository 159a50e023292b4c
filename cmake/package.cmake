# Debian packages by CPack: digits (programs, models, documents) and libdigits-dev (the library).
# dpkg-shlibdeps finds what the programs depend on. The preset "package" builds for /usr; packages
# of any other build are laid out for /usr too.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME digits)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "OpenCL networks that tell images apart, with a model zoo")
set(CPACK_PACKAGE_VENDOR "the digits developers")
set(CPACK_PACKAGE_CONTACT "The digits developers <digits@localhost>" CACHE STRING
    "Maintainer of the Debian packages")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CPACK_PACKAGE_CONTACT}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL programs development)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/compress.cmake)

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME digits)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SUGGESTS libdigits-dev)
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION
    "Programs that train, test, measure and convert networks that tell
images apart. A model is a text file; it runs on any OpenCL device, or
on the processor alone without any driver. Digits to learn from are
built in, MNIST's files are read.")

# What a program that links the static libraries needs.
set(needs zlib1g-dev libopenblas-dev libconfig-dev libjansson-dev libpng-dev libturbojpeg0-dev)
if(DIGITS_HAVE_OPENCL)
  list(APPEND needs ocl-icd-opencl-dev)
endif()
if(DIGITS_HAVE_CLBLAST)
  list(APPEND needs libclblast-dev)
endif()
list(JOIN needs ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)
set(exchange_needs "") # what converts weights needs them, what only trains does without
if(LIBZIP_FOUND)
  list(APPEND exchange_needs libzip-dev)
endif()
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
    "The C libraries and their header, for programs that train networks and
use them, and what pkg-config and CMake need to find it. The package
digits holds models and examples.")

# Debian wants the licence of each package under this name, and a list of changes.
string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(cmake/changelog.in changelog @ONLY)
foreach(package digits libdigits-dev)
  set(component programs)
  if(package STREQUAL "libdigits-dev")
    set(component development)
  endif()
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} RENAME copyright
          COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${PROJECT_BINARY_DIR}/changelog DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
include(CPack)
