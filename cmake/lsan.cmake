# What the leak sanitizer is to pass over: lsan_options, for a test's environment.
include_guard()
find_program(LLVM_SYMBOLIZER llvm-symbolizer)
set(libconfig_leaks "leak:strbuf_append\nleak:libconfig_yylex")
if(NOT LLVM_SYMBOLIZER) # functions have no names then: the library as a whole is named
  set(libconfig_leaks "leak:libconfig.so")
endif()
configure_file(${PROJECT_SOURCE_DIR}/tests/common/lsan.supp.in ${PROJECT_BINARY_DIR}/lsan.supp @ONLY)
set(lsan_options LSAN_OPTIONS=suppressions=${PROJECT_BINARY_DIR}/lsan.supp:print_suppressions=0)
