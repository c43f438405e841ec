# kiln_precompile(TARGET [header…]): compiles once what all files of the target include: the standard
# library, Abseil's containers, and the headers named. Does nothing for a target of few files, which
# is compiled sooner without.
#
# Half of the time of a file goes into headers. But a precompiled header is seen by every file, which
# hides a missing #include, and its own warnings are not shown. So a module precompiles libraries
# alone, and the presets dev and tidy precompile nothing.
option(KILN_PRECOMPILE "compile once what all files of a target include" ON)

set(KILN_COMMON_HEADERS
    <algorithm> <array> <atomic> <chrono> <coroutine> <deque> <functional> <map> <memory> <optional>
    <span> <stop_token> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
    <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h>
    <absl/container/inlined_vector.h> <absl/functional/any_invocable.h>)

function(kiln_precompile target)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cc$")
  list(LENGTH sources count)
  if(KILN_PRECOMPILE AND count GREATER 3)
    target_precompile_headers(${target} PRIVATE ${KILN_COMMON_HEADERS} ${ARGN})
    # Without the time in it, it is the same after the same compilation: ccache knows it again.
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()
