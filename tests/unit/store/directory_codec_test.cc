#include "daemon/store/directory_codec.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "tests/unit/store/trees.h"

namespace kiln::store {
namespace {

namespace reapi = build::bazel::remote::execution::v2;

// The oracle: what protobuf makes of the same directory.
std::string encode_with_protobuf(const Tree& tree) {
  reapi::Directory message;
  for (const Entry& entry : tree.entries()) {
    if (const auto* f = std::get_if<File>(&entry.node)) {
      auto& node = *message.add_files();
      node.set_name(entry.name);
      node.mutable_digest()->set_hash(to_hex(f->digest.hash));
      node.mutable_digest()->set_size_bytes(f->digest.size);
      node.set_is_executable(f->executable);
    } else if (const auto* l = std::get_if<Symlink>(&entry.node)) {
      auto& node = *message.add_symlinks();
      node.set_name(entry.name);
      node.set_target(l->target);
    } else {
      const Digest& digest = std::get<TreePtr>(entry.node)->digest();
      auto& node = *message.add_directories();
      node.set_name(entry.name);
      node.mutable_digest()->set_hash(to_hex(digest.hash));
      node.mutable_digest()->set_size_bytes(digest.size);
    }
  }
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  EXPECT_TRUE(message.SerializeToCodedStream(&coded));
  coded.Trim();
  return bytes;
}

TEST(DirectoryCodec, EncodesAsProtobufDoes) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    const TreePtr root = random_tree(random, 30);
    EXPECT_EQ(root->encode(), encode_with_protobuf(*root));
  }
}

TEST(DirectoryCodec, EncodesLongAndExtremeValuesAsProtobufDoes) {
  FileDigest huge = file_digest_of("x");
  huge.size = std::numeric_limits<int64_t>::max();
  const TreePtr root = Tree::make({{std::string(127, 'n'), File{huge, true}},
                                   {std::string(128, 'n'), File{huge, false}},
                                   {std::string(20'000, 'n'), File{}},
                                   {"no target", Symlink{""}},
                                   {"long target", Symlink{std::string(300, 't')}}});
  EXPECT_EQ(root->encode(), encode_with_protobuf(*root));
}

TEST(DirectoryCodec, DecodesWhatItEncodes) {
  const TreePtr root =
      tree({file("f", "1"), file("x", "2", true), link("l", "t"), file("d/e", "")});
  const auto entries = decode_directory(root->encode());
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ(std::get<File>((*entries)[1].node), (File{file_digest_of("2"), true}));
  EXPECT_EQ((*entries)[2].name, "d");
  EXPECT_EQ(std::get<Digest>((*entries)[2].node),
            std::get<TreePtr>(root->find("d")->node)->digest());
  EXPECT_EQ(std::get<Symlink>((*entries)[3].node).target, "t");
}

TEST(DirectoryCodec, RefusesHostileMessages) {
  const std::string hash = to_hex(file_digest_of("x").hash);
  const auto refused = [](const reapi::Directory& message) {
    const auto decoded = decode_directory(message.SerializeAsString());
    return !decoded.ok() && decoded.error().code() == ErrorCode::kDataLoss;
  };
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("../x"),
        std::string("/etc/passwd"), std::string("a\0", 2)}) {
    reapi::Directory as_file, as_link, as_directory;
    auto& f = *as_file.add_files();
    f.set_name(name);
    f.mutable_digest()->set_hash(hash);
    f.mutable_digest()->set_size_bytes(1);
    as_link.add_symlinks()->set_name(name);
    auto& d = *as_directory.add_directories();
    d.set_name(name);
    *d.mutable_digest() = f.digest();
    EXPECT_TRUE(refused(as_file)) << printable(name);
    EXPECT_TRUE(refused(as_link)) << printable(name);
    EXPECT_TRUE(refused(as_directory)) << printable(name);
  }
  for (const std::string& target :
       {std::string(), std::string("a\0b", 3), std::string(4096, 't')}) {
    reapi::Directory message;
    message.add_symlinks()->set_name("l");
    message.mutable_symlinks(0)->set_target(target);
    EXPECT_TRUE(refused(message)) << printable(target);
  }
  for (const auto& [text, size] : std::vector<std::pair<std::string, int64_t>>{
           {hash, -1}, {hash, 0}, {"", 1}, {"XYZ", 1}, {hash.substr(1) + "G", 1}}) {
    reapi::Directory message;
    auto& f = *message.add_files();
    f.set_name("f");
    f.mutable_digest()->set_hash(text);
    f.mutable_digest()->set_size_bytes(size);
    EXPECT_TRUE(refused(message)) << text << " " << size;
  }
}

TEST(DirectoryCodec, SurvivesRandomDamage) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = random_tree(random, 20)->encode();
    if (bytes.empty()) continue;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const auto decoded = decode_directory(bytes);
    if (!decoded.ok()) {
      EXPECT_EQ(decoded.error().code(), ErrorCode::kDataLoss);
      continue;
    }
    for (const RawEntry& entry : *decoded) EXPECT_TRUE(is_valid_name(entry.name));
  }
}

}  // namespace
}  // namespace kiln::store
