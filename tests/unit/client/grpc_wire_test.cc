#include "client/grpc_wire.h"

#include <gtest/gtest.h>

#include <vector>

namespace kiln {
namespace {

Result<std::vector<std::string>> read_in_pieces(const std::string& bytes, size_t piece) {
  std::vector<std::string> messages;
  MessageReader reader;
  for (size_t i = 0; i < bytes.size(); i += piece) {
    KILN_TRY(reader.feed(std::string_view(bytes).substr(i, piece),
                         [&](std::string_view message) -> Result<void> {
                           messages.emplace_back(message);
                           return {};
                         }));
  }
  EXPECT_TRUE(reader.at_boundary());
  return messages;
}

TEST(MessageReader, FindsTheSameMessagesHoweverTheBytesAreCut) {
  const std::vector<std::string> sent = {"", "a", std::string(300, 'b'), "", "cdefg"};
  std::string bytes;
  for (const std::string& message : sent) append_grpc_message(message, bytes);
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto got = read_in_pieces(bytes, piece);
    ASSERT_TRUE(got.ok());
    ASSERT_EQ(*got, sent) << "in pieces of " << piece;
  }
}

TEST(MessageReader, RefusesCompressedAndGiantMessages) {
  EXPECT_FALSE(read_in_pieces(std::string("\1\0\0\0\1x", 6), 6).ok());
  MessageReader reader;
  EXPECT_FALSE(
      reader.feed(std::string("\0\xff\0\0\0", 5), [](auto) { return Result<void>(); }).ok());
}

TEST(PercentDecoding, UndoesEscapesAndKeepsWhatIsNone) {
  EXPECT_EQ(percent_decoded("a%20b%C3%BC%0a"), "a bü\n");
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%zz%4"), "%zz%4");
}

TEST(GrpcStatus, OfNonsenseIsUnknown) {
  GrpcStatus status;
  status.read_header("grpc-status", "zero");
  EXPECT_EQ(status.code, 2);
}

}  // namespace
}  // namespace kiln
