#include "daemon/intrinsics/files/glob_query.h"

#include "daemon/intrinsics/files/key_encoder.h"

namespace kiln::intrinsics {

Result<std::shared_ptr<const GlobQuery>> make_glob_query(std::span<const std::string> globs,
                                                         std::string_view ignore_patterns,
                                                         bool names_only, IgnoreRulesFor rules) {
  auto query = std::make_shared<GlobQuery>();
  KILN_ASSIGN(query->globs, os::GlobSet::compile(globs));
  query->ignore = os::IgnoreRules::parse(ignore_patterns, "the option ignore");
  query->names_only = names_only;
  query->rules = rules;
  KeyEncoder encoder("globs");
  encoder.add(uint64_t{names_only}).add(static_cast<uint64_t>(rules));
  encoder.add(rules == IgnoreRulesFor::kNone ? std::string_view() : ignore_patterns);
  encoder.add(query->globs->includes().size());
  for (const std::string& glob : query->globs->includes()) encoder.add(glob);
  for (const std::string& glob : query->globs->excludes()) encoder.add(glob);
  query->hash = encoder.hash();
  return std::shared_ptr<const GlobQuery>(std::move(query));
}

}  // namespace kiln::intrinsics
