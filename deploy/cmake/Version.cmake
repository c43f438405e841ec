# Included: defines the library kiln_version, whose one source says which build this is.
# As a script, at each build: cmake -DRELEASE=… -DSOURCE=… -DOWN=… -DOUTPUT=… -P Version.cmake
# writes that source. It is left alone while it would say the same, so that only the one file is
# compiled, and what links it is linked, when something has changed.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(version_source ${CMAKE_BINARY_DIR}/version/version.cc)
  add_custom_target(kiln_version_source
    COMMAND ${CMAKE_COMMAND} -DRELEASE=${PROJECT_VERSION} -DSOURCE=${CMAKE_SOURCE_DIR}
            -DOWN=${KILN_OWN} -DOUTPUT=${version_source} -P ${CMAKE_CURRENT_LIST_FILE}
    BYPRODUCTS ${version_source}
    COMMENT "")
  add_library(kiln_version STATIC ${version_source})
  add_dependencies(kiln_version kiln_version_source)
  target_link_libraries(kiln_version PRIVATE kiln_options)
  return()
endif()

cmake_minimum_required(VERSION 3.25)

# What client and daemon are made of.
set(parts ${SOURCE}/client ${SOURCE}/common ${SOURCE}/daemon ${SOURCE}/proto ${OWN})
list(TRANSFORM parts APPEND "/*.cc" OUTPUT_VARIABLE sources)
list(TRANSFORM parts APPEND "/*.h" OUTPUT_VARIABLE headers)
list(TRANSFORM parts APPEND "/*.proto" OUTPUT_VARIABLE protos)
list(TRANSFORM parts APPEND "/CMakeLists.txt" OUTPUT_VARIABLE lists)
file(GLOB_RECURSE files RELATIVE ${SOURCE} ${sources} ${headers} ${protos} ${lists})
list(SORT files)
set(hashes "")
foreach(file IN LISTS files)
  file(SHA256 ${SOURCE}/${file} hash)
  string(APPEND hashes "${hash} ${file}\n")
endforeach()
string(SHA256 hash "${hashes}")
string(SUBSTRING ${hash} 0 8 hash)

# A repository further up, that kiln's sources were only copied into, says nothing about them.
set(version ${RELEASE})
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty
                  OUTPUT_VARIABLE commit RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    string(APPEND version "-${commit}")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
// Written at each build by deploy/cmake/Version.cmake.
#include "common/base/version.h"

namespace kiln {

std::string_view version() { return "@version@+@hash@"; }

}  // namespace kiln
]])
