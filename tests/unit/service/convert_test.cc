#include "daemon/service/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/types/hash.h"

namespace kiln::service {
namespace {

using testing::HasSubstr;

v1::Digest wire(std::string hash, int64_t size) {
  v1::Digest digest;
  digest.set_hash(std::move(hash));
  digest.set_size_bytes(size);
  return digest;
}

TEST(Convert, DigestsThereAndBack) {
  const FileDigest digest = file_digest_of("content");
  v1::Digest message;
  set_digest(digest, message);
  EXPECT_EQ(*file_digest_from(message, "f"), digest);
}

TEST(Convert, AMalformedDigestNamesItsField) {
  const std::string good(64, 'a');
  for (const v1::Digest& bad :
       {wire("", 0), wire("abc", 1), wire(std::string(64, 'g'), 1), wire(good + "/1", 1),
        wire(good, -1), wire(std::string(64, 'A'), 1), wire(good + good, 1)}) {
    const auto digest = digest_from(bad, "input_digest");
    ASSERT_FALSE(digest.ok()) << bad.ShortDebugString();
    EXPECT_EQ(digest.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(digest.error().to_string(), HasSubstr("in the field input_digest"));
  }
}

TEST(Convert, AMalformedInputOfAProcessNamesItsField) {
  v1::Process process;
  process.add_argv("x");
  *process.add_input_digests() = wire("short", 3);
  const auto spec = process_from(process);
  ASSERT_FALSE(spec.ok());
  EXPECT_THAT(spec.error().to_string(), HasSubstr("input_digests"));
}

TEST(Convert, ValuesOfALaterKilnAreRefusedAndNotTakenForTheDefault) {
  v1::Process process;
  process.add_argv("x");
  process.set_sandbox(static_cast<v1::Process::Sandbox>(77));
  EXPECT_THAT(process_from(process).error().message(), HasSubstr("unknown sandbox 77"));
  process.set_sandbox(v1::Process::PLAIN);
  process.set_cache_scope(static_cast<v1::Process::CacheScope>(78));
  EXPECT_THAT(process_from(process).error().message(), HasSubstr("unknown cache_scope 78"));
  v1::PathGlobs globs;
  globs.set_match_error(static_cast<v1::PathGlobs::MatchError>(79));
  EXPECT_THAT(globs_from(globs).error().message(), HasSubstr("unknown match_error 79"));
  globs.set_match_error(v1::PathGlobs::WARN);
  globs.set_conjunction(static_cast<v1::PathGlobs::Conjunction>(80));
  EXPECT_THAT(globs_from(globs).error().message(), HasSubstr("unknown conjunction 80"));
}

TEST(Convert, AProcessKeepsEveryField) {
  v1::Process process;
  process.add_argv("a");
  process.add_argv("b");
  process.set_description("d");
  set_digest(directory_digest_of("x"), *process.mutable_input_digest());
  set_digest(directory_digest_of("y"), *process.add_input_digests());
  process.add_input_globs("g");
  (*process.mutable_env())["K"] = "V";
  process.set_working_directory("w");
  process.add_output_files("of");
  process.add_output_directories("od");
  process.set_require_outputs(true);
  process.set_timeout_seconds(1.5);
  process.set_cache_scope(v1::Process::PER_SESSION);
  process.set_sandbox(v1::Process::STRICT);
  process.set_network(v1::Process::LOOPBACK);
  const auto spec = *process_from(process);
  EXPECT_THAT(spec.argv, testing::ElementsAre("a", "b"));
  EXPECT_EQ(spec.description, "d");
  EXPECT_THAT(spec.input_digests,
              testing::ElementsAre(directory_digest_of("x"), directory_digest_of("y")));
  EXPECT_THAT(spec.input_globs, testing::ElementsAre("g"));
  EXPECT_EQ(spec.env.at("K"), "V");
  EXPECT_EQ(spec.working_directory, "w");
  EXPECT_THAT(spec.output_files, testing::ElementsAre("of"));
  EXPECT_THAT(spec.output_directories, testing::ElementsAre("od"));
  EXPECT_TRUE(spec.require_outputs);
  EXPECT_EQ(spec.timeout_seconds, 1.5);
  EXPECT_EQ(spec.cache_scope, exec::CacheScope::kPerSession);
  EXPECT_EQ(spec.sandbox, intrinsics::SandboxChoice::kStrict);
  EXPECT_EQ(spec.network, exec::Network::kLoopback);
  process.set_sandbox(v1::Process::PLAIN);
  EXPECT_FALSE(process_from(process).ok()) << "plain does not confine the network";
  process.set_network(v1::Process::HOST);
  EXPECT_TRUE(process_from(process).ok());
  process.set_sandbox(v1::Process::AUTO);
  EXPECT_EQ(process_from(process)->sandbox, intrinsics::SandboxChoice::kAuto);
  process.set_network(v1::Process::NONE);
  EXPECT_EQ(process_from(process)->sandbox, intrinsics::SandboxChoice::kStrict)
      << "what is to be confined needs the level that can";
}

TEST(Convert, EntriesSayWhatTheyAre) {
  v1::TreeEntry entry;
  set_entry(*RelPath::parse("a/f"), store::File{file_digest_of("f"), true}, entry);
  EXPECT_EQ(entry.kind(), v1::TreeEntry::FILE);
  EXPECT_EQ(entry.path(), "a/f");
  EXPECT_TRUE(entry.is_executable());
  entry.Clear();
  set_entry(*RelPath::parse("l"), store::Symlink{"to"}, entry);
  EXPECT_EQ(entry.kind(), v1::TreeEntry::SYMLINK);
  EXPECT_EQ(entry.symlink_target(), "to");
  entry.Clear();
  set_entry(*RelPath::parse("d"), store::Tree::empty(), entry);
  EXPECT_EQ(entry.kind(), v1::TreeEntry::DIRECTORY);
}

}  // namespace
}  // namespace kiln::service
