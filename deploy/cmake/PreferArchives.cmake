# kiln_prefer_archives(): programs of this directory and below link imported shared libraries as
# archives where the package has both.
#
# A daemon that links gRPC and its 60 libraries dynamically spends 25 ms of each start in the
# dynamic linker, searching for and relocating what it mostly does not use.
function(kiln_prefer_archives)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "SHARED_LIBRARY" AND NOT type STREQUAL "UNKNOWN_LIBRARY")
      continue()
    endif()
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    foreach(configuration IN ITEMS "" LISTS configurations)
      set(property IMPORTED_LOCATION)
      if(configuration)
        set(property IMPORTED_LOCATION_${configuration})
      endif()
      get_target_property(location ${target} ${property})
      if(NOT location MATCHES "\\.so(\\.[0-9.]+)?$")
        continue()
      endif()
      string(REGEX REPLACE "\\.so(\\.[0-9.]+)?$" ".a" archive "${location}")
      if(EXISTS ${archive})
        set_target_properties(${target} PROPERTIES ${property} ${archive})
      endif()
    endforeach()
  endforeach()
endfunction()
