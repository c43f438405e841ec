# kiln_module(NAME FLOOR n [DEPS module…] [LIBS target…] SOURCES file… [HEADERS file…]
#             [PRECOMPILE header…])
#
# One module of the house: a folder, a static library kiln_<NAME>, and a floor. Configuring fails
# when a module depends on its own floor or a higher one, and when one of its files includes a
# header of a module that it did not declare. Peers never include each other. A folder below a
# module's is one of its rooms: part of the same module, for who reads it.
#
# NAME is the folder with '/' as '_' (daemon_graph); sources are listed, never globbed.

set(KILN_MODULES "" CACHE INTERNAL "modules in the order of their declaration")

function(kiln_module name)
  cmake_parse_arguments(M "" "FLOOR" "DEPS;LIBS;SOURCES;HEADERS;PRECOMPILE" ${ARGN})
  if(NOT DEFINED M_FLOOR)
    message(FATAL_ERROR "kiln_module(${name}): no FLOOR")
  endif()
  set_property(GLOBAL PROPERTY kiln_floor_${name} ${M_FLOOR})
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set_property(GLOBAL PROPERTY kiln_module_of_${folder} ${name})

  foreach(dep IN LISTS M_DEPS)
    get_property(floor GLOBAL PROPERTY kiln_floor_${dep})
    if(floor STREQUAL "")
      message(FATAL_ERROR "${name}: unknown module ${dep}; declare it before its users")
    elseif(NOT floor LESS M_FLOOR)
      message(FATAL_ERROR "${name} is on floor ${M_FLOOR} and may not use ${dep} on floor ${floor}")
    endif()
  endforeach()
  kiln_check_includes(${name} "${M_DEPS}" "${M_SOURCES};${M_HEADERS}")

  add_library(kiln_${name} STATIC ${M_SOURCES} ${M_HEADERS})
  list(TRANSFORM M_DEPS PREPEND kiln_ OUTPUT_VARIABLE dep_targets)
  target_link_libraries(kiln_${name} PUBLIC kiln_options ${dep_targets} ${M_LIBS})
  kiln_precompile(kiln_${name} ${M_PRECOMPILE})

  # Each header compiled alone: `cmake --build … --target kiln_headers`.
  set(alone "")
  foreach(header IN LISTS M_HEADERS)
    string(REPLACE "/" "_" flat ${header})
    set(file ${CMAKE_CURRENT_BINARY_DIR}/alone_${flat}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "#include \"${folder}/${header}\"  // alone\n")
    list(APPEND alone ${file})
  endforeach()
  if(alone)
    add_library(kiln_${name}_headers OBJECT EXCLUDE_FROM_ALL ${alone})
    target_link_libraries(kiln_${name}_headers PRIVATE kiln_${name})
    add_dependencies(kiln_headers kiln_${name}_headers)
  endif()
endfunction()

# Every quoted include of common/, daemon/ or client/ names this module or one of its DEPS.
function(kiln_check_includes name deps files)
  foreach(file IN LISTS files)
    if(NOT file MATCHES "\\.(h|cc)$")
      continue()
    endif()
    file(STRINGS ${file} includes REGEX "^#include \"(common|daemon|client)/")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^#include \"(.*)/[^/]*\".*$" "\\1" folder "${line}")
      # The module of the nearest folder that has one: what is below it are rooms of that module.
      string(REPLACE "/" "_" module "${folder}")
      set(nearest ${folder})
      while(nearest MATCHES "/")
        get_property(found GLOBAL PROPERTY kiln_module_of_${nearest})
        if(found)
          set(module ${found})
          break()
        endif()
        string(REGEX REPLACE "/[^/]*$" "" nearest ${nearest})
      endwhile()
      if(NOT module STREQUAL name AND NOT module IN_LIST deps)
        message(FATAL_ERROR "${name}: ${file} includes ${folder}, which is not among its DEPS")
      endif()
    endforeach()
  endforeach()
endfunction()

# kiln_test(NAME LABEL unit|contract|e2e|fuzz [DEPS module…] [LIBS target…] [TIMEOUT s] SOURCES file…
#           [PRECOMPILE header…])
# One GoogleTest binary; every case is a ctest of its own. `cmake --build … --target tests_LABEL`
# builds all of a label.
function(kiln_test name)
  cmake_parse_arguments(T "" "LABEL;TIMEOUT" "DEPS;LIBS;SOURCES;PRECOMPILE" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(${name} ${T_SOURCES})
  list(TRANSFORM T_DEPS PREPEND kiln_ OUTPUT_VARIABLE dep_targets)
  target_link_libraries(${name} PRIVATE kiln_options ${dep_targets} ${T_LIBS} GTest::gmock
                                        GTest::gtest GTest::gtest_main)
  if(KILN_SANITIZE)
    # Optimising what checks would take twice as long as all the rest of its compilation.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  kiln_precompile(${name} <gmock/gmock.h> <gtest/gtest.h> ${T_PRECOMPILE})
  if(NOT TARGET tests_${T_LABEL})
    add_custom_target(tests_${T_LABEL})
  endif()
  add_dependencies(tests_${T_LABEL} ${name})
  gtest_discover_tests(${name} TEST_PREFIX "${T_LABEL}/" DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()
