#include "daemon/intrinsics/files/glob_result.h"

#include <algorithm>
#include <iterator>

namespace kiln::intrinsics {

void GlobResult::add_matched(const std::vector<uint32_t>& more) {
  if (more.empty()) return;
  std::vector<uint32_t> merged;
  std::set_union(matched.begin(), matched.end(), more.begin(), more.end(),
                 std::back_inserter(merged));
  matched = std::move(merged);
}

void GlobResult::add_hidden(Hidden entry) {
  const auto at = std::lower_bound(hidden.begin(), hidden.end(), entry.glob,
                                   [](const Hidden& a, uint32_t glob) { return a.glob < glob; });
  if (at == hidden.end() || at->glob != entry.glob) hidden.insert(at, std::move(entry));
}

void GlobResult::add_findings(const RelPath& path, const GlobResult& below) {
  for (const Note& note : below.notes) notes.push_back({path.join(note.path), note.why});
  for (const Hidden& entry : below.hidden) {
    add_hidden({entry.glob, path.join(entry.path), entry.why});
  }
  add_matched(below.matched);
  entries += below.entries;
}

void GlobResult::settle() {
  std::erase_if(hidden, [this](const Hidden& entry) {
    return std::binary_search(matched.begin(), matched.end(), entry.glob);
  });
}

bool operator==(const GlobResult& a, const GlobResult& b) {
  return a.tree->digest() == b.tree->digest() && a.matched == b.matched && a.notes == b.notes &&
         a.links == b.links && a.hidden == b.hidden;
}

size_t footprint(const GlobResult& result) {
  size_t bytes = result.tree->bytes() + heap_bytes(result.matched) +
                 result.notes.capacity() * sizeof(GlobResult::Note) +
                 result.links.capacity() * sizeof(GlobResult::Link) +
                 result.hidden.capacity() * sizeof(GlobResult::Hidden);
  for (const auto& note : result.notes) bytes += heap_bytes(note.path) + heap_bytes(note.why);
  for (const auto& entry : result.hidden) bytes += heap_bytes(entry.path) + heap_bytes(entry.why);
  for (const auto& link : result.links) {
    bytes += heap_bytes(link.path) + heap_bytes(link.target) + heap_bytes(link.state.positions) +
             heap_bytes(link.state.excludes) + heap_bytes(link.matched);
  }
  return bytes;
}

std::vector<std::string> unmatched_globs(const GlobQuery& query, const GlobResult& result) {
  std::vector<std::string> unmatched;
  const auto& includes = query.globs->includes();
  for (uint32_t i = 0; i < includes.size(); ++i) {
    if (!std::binary_search(result.matched.begin(), result.matched.end(), i)) {
      unmatched.push_back(includes[i]);
    }
  }
  return unmatched;
}

std::vector<std::string> note_lines(const GlobResult& result) {
  std::vector<std::string> lines;
  lines.reserve(result.notes.size());
  for (const auto& [path, why] : result.notes) {
    lines.push_back("left out " + printable(path.str()) + ": " + why);
  }
  return lines;
}

std::string why_unmatched(const GlobQuery& query, const GlobResult& result,
                          const std::string& glob) {
  const auto& includes = query.globs->includes();
  for (const auto& entry : result.hidden) {
    if (includes[entry.glob] == glob)
      return printable(entry.path.str()) + " exists but " + entry.why;
  }
  return "";
}

}  // namespace kiln::intrinsics
