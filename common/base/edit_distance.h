// How far one word is from another: what is suggested to whoever typed a name that does not exist.
// Threads: free function, thread-safe.
#pragma once

#include <cstddef>
#include <string_view>

namespace kiln {

// The insertions, deletions, replacements and swaps of neighbours that make one of the other: the
// Damerau-Levenshtein distance without repeated edits (optimal string alignment). Bytes, not
// characters; takes time with the product of the lengths.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace kiln
