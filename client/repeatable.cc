#include "client/repeatable.h"

#include <algorithm>
#include <array>

namespace kiln {

namespace {

struct Known {
  std::string_view method;
  Repeatable how;
};

// What is not here is never repeated.
constexpr auto kKnown = std::to_array<Known>({
    {"/kiln.v1.Daemon/Status", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/AddPrefix", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/Capture", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/Create", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/Diff", Repeatable::kAlways},
    {"/kiln.v1.Digests/Download", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/ListEntries", Repeatable::kAlways},
    {"/kiln.v1.Digests/ListPaths", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/Merge", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/ReadBlob", Repeatable::kAlways},
    {"/kiln.v1.Digests/ReadFile", Repeatable::kAlways},
    {"/kiln.v1.Digests/RemovePrefix", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/Subset", Repeatable::kIfUnheard},
    {"/kiln.v1.Digests/Upload", Repeatable::kIfUnheard},
    {"/kiln.v1.Goals/List", Repeatable::kIfUnheard},
    {"/kiln.v1.Rules/Explain", Repeatable::kIfUnheard},
    {"/kiln.v1.Rules/Graph", Repeatable::kIfUnheard},
    {"/kiln.v1.Rules/List", Repeatable::kIfUnheard},
    {"/kiln.v1.Rules/Options", Repeatable::kIfUnheard},
    {"/kiln.v1.Rules/Query", Repeatable::kIfUnheard},
    {"/kiln.v1.Rules/StreamQuery", Repeatable::kIfUnheard},
});

}  // namespace

Repeatable repeatable(std::string_view method) {
  const auto* const found =
      std::find_if(kKnown.begin(), kKnown.end(),
                   [method](const Known& known) { return known.method == method; });
  return found == kKnown.end() ? Repeatable::kNever : found->how;
}

}  // namespace kiln
