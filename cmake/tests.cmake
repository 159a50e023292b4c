# How a test is made, for every folder of tests/.
include_guard()

# What every test runs with. Sanitizers must let an allocation fail, as it does without them.
set(test_environment CK_FORK=no CK_VERBOSITY=normal
    XDG_CACHE_HOME=${PROJECT_BINARY_DIR}/cache LC_ALL=C.UTF-8)
if(DIGITS_SANITIZE MATCHES "address")
  include(${CMAKE_CURRENT_LIST_DIR}/lsan.cmake)
  list(APPEND test_environment ASAN_OPTIONS=allocator_may_return_null=1 ${lsan_options})
elseif(DIGITS_SANITIZE MATCHES "thread")
  list(APPEND test_environment
       TSAN_OPTIONS=ignore_noninstrumented_modules=1:allocator_may_return_null=1)
endif()

# What a person has set for programs is not for tests; the data set is for those that need MNIST.
set(test_unset DIGITS_MODELS DIGITS_WEIGHTS DIGITS_CACHE DIGITS_TOKEN TMPDIR CDPATH NO_COLOR DESTDIR
    LANGUAGE)
list(TRANSFORM test_unset APPEND "=unset:")

# digits_ctest(NAME COMMAND … [ENVIRONMENT …] [LABELS …]): the ctest NAME. Exit 77: skipped. Its
# labels are its folder and LABELS, of which the presets know three: quick (all of it takes less than
# two minutes), mnist (needs MNIST: skipped where $DIGITS_DATA names none) and long (hours: for
# people, no other preset runs it). With the label slow, it is among the first that ctest begins with,
# so that none is left alone at the end.
function(digits_ctest name)
  cmake_parse_arguments(arg "" "" "COMMAND;ENVIRONMENT;LABELS" ${ARGN})
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  list(PREPEND arg_LABELS ${folder})
  list(PREPEND arg_ENVIRONMENT ${test_environment})
  set(timeout 900)
  set(cost 0)
  if("long" IN_LIST arg_LABELS)
    set(timeout 14400)
  elseif("slow" IN_LIST arg_LABELS)
    set(timeout 1800)
    set(cost 1000)
  endif()
  set(modification ${test_unset})
  if(NOT "mnist" IN_LIST arg_LABELS)
    list(APPEND modification DIGITS_DATA=unset:)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${timeout} COST ${cost}
    LABELS "${arg_LABELS}" ENVIRONMENT "${arg_ENVIRONMENT}"
    ENVIRONMENT_MODIFICATION "${modification}")
endfunction()

# digits_test(NAME [SOURCES more.c …] [LIBRARIES …] [LABELS …]): test_NAME.c as the ctest NAME; all
# programs of tests lie in one folder of the build, tests/.
function(digits_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  add_executable(test_${name} test_${name}.c ${arg_SOURCES})
  set_target_properties(test_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_compile_definitions(test_${name} PRIVATE _POSIX_C_SOURCE=200809L
    DIGITS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" DIGITS_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(DIGITS_SANITIZE)
    target_compile_definitions(test_${name} PRIVATE DIGITS_TEST_SANITIZED)
  endif()
  target_link_libraries(test_${name} PRIVATE digits suite ${arg_LIBRARIES})
  digits_ctest(${name} COMMAND test_${name} LABELS ${arg_LABELS})
endfunction()

# digits_script(NAME [ARGUMENTS …] [LABELS …]): NAME.sh as the ctest NAME.
function(digits_script name)
  cmake_parse_arguments(arg "" "" "ARGUMENTS;LABELS" ${ARGN})
  digits_ctest(${name} LABELS ${arg_LABELS}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${name}.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
            ${arg_ARGUMENTS})
endfunction()

# digits_oclgrind(NAME PROGRAM [ARGUMENTS …] [FORM …] [ENVIRONMENT …] [LABELS …]): a test program as
# the ctest oclgrind_NAME, in a simulator that checks every access of the kernels to memory, and races.
# (Its check for uninitialized values stumbles over vector shuffles and LLVM's freeze; conformance
# poisons all memory instead.) It does not say by its exit status what it found.
find_program(OCLGRIND oclgrind)
function(digits_oclgrind name program)
  cmake_parse_arguments(arg "" "FORM" "ARGUMENTS;ENVIRONMENT;LABELS" ${ARGN})
  if(NOT DIGITS_HAVE_OPENCL OR NOT OCLGRIND OR DIGITS_SANITIZE)
    return()
  endif()
  digits_ctest(oclgrind_${name} LABELS ${arg_LABELS}
    COMMAND ${OCLGRIND} --num-threads 1 --data-races --check-api $<TARGET_FILE:${program}>
            ${arg_ARGUMENTS}
    ENVIRONMENT DIGITS_TEST_BACKEND=opencl DIGITS_TEST_FORM=${arg_FORM} ${arg_ENVIRONMENT})
  set_tests_properties(oclgrind_${name} PROPERTIES
    FAIL_REGULAR_EXPRESSION "OCLGRIND FATAL;[\t]Kernel: ;Oclgrind - OpenCL runtime error")
endfunction()
