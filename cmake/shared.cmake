# The shared libraries, of the same objects as the static ones. They export what the public headers
# declare with DG_API, and nothing else.
function(digits_shared static)
  set(shared ${static}-shared)
  get_target_property(libraries ${static} LINK_LIBRARIES)
  add_library(${shared} SHARED $<TARGET_OBJECTS:${static}> ${ARGN})
  target_include_directories(${shared} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${shared} PRIVATE ${libraries})
  set_target_properties(${shared} PROPERTIES
    OUTPUT_NAME ${static} VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_link_options(${shared} PRIVATE LINKER:--as-needed)
  if(NOT DIGITS_SANITIZE)
    target_link_options(${shared} PRIVATE LINKER:--no-undefined)
  endif()
endfunction()

get_property(objects GLOBAL PROPERTY digits_objects)
digits_shared(digits ${objects})
add_library(digits::digits ALIAS digits-shared)
set_target_properties(digits-shared PROPERTIES EXPORT_NAME digits)

# It holds what it needs of the inside of digits, which digits does not export, as a copy.
digits_shared(digits-exchange)
add_library(digits::exchange ALIAS digits-exchange-shared)
set_target_properties(digits-exchange-shared PROPERTIES EXPORT_NAME exchange)
target_link_options(digits-exchange-shared PRIVATE LINKER:--exclude-libs,libdigits.a)
target_link_libraries(digits-exchange-shared PUBLIC digits-shared)
