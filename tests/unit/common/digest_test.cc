#include "common/types/digest.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "common/types/hash.h"

namespace kiln {
namespace {

TEST(Digest, TheEmptyDigestIsSha256OfNothing) {
  EXPECT_EQ(file_digest_of(""), FileDigest());
  EXPECT_EQ(directory_digest_of(""), Digest());
  EXPECT_EQ(to_string(FileDigest()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0");
}

TEST(Digest, KnownAnswer) {
  // FIPS 180-2, "abc".
  EXPECT_EQ(to_string(file_digest_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/3");
}

TEST(Digest, ParsesAsItPrints) {
  const FileDigest digest = file_digest_of("some content");
  auto parsed = parse_file_digest(to_string(digest));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, digest);
}

TEST(Digest, RefusesWhatIsNotADigest) {
  const std::string hash = to_hex(file_digest_of("x").hash);
  const std::string empty = to_hex(file_digest_of("").hash);
  for (const std::string& text :
       {std::string(), hash, hash + "/", hash + "/-1", hash + "/1x", hash + "/0", hash + "/01",
        empty + "/00", empty + "/-0", hash.substr(1) + "/1", "G" + hash.substr(1) + "/1",
        hash + "/99999999999999999999", std::string("/1")}) {
    auto parsed = parse_digest(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().blame(), Blame::kUser);
    EXPECT_NE(parsed.error().message().find("HASH/SIZE"), std::string::npos);
  }
}

TEST(Digest, AFileDigestIsNotADigest) {
  static_assert(!std::is_convertible_v<FileDigest, Digest>);
  static_assert(!std::is_constructible_v<Digest, FileDigest>);
}

TEST(Hash, PiecesHashAsTheWhole) {
  Sha256Hasher hasher;
  hasher.update("ab");
  hasher.update("");
  hasher.update("c");
  EXPECT_EQ(hasher.finish(), file_digest_of("abc"));
}

}  // namespace
}  // namespace kiln
