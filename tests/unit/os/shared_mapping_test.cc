#include "daemon/os/shared_mapping.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "common/base/file.h"
#include "tests/support/temp_directory.h"

namespace kiln::os {
namespace {

TEST(OpenForWriting, IsTrueWhileADescriptorOrASharedMappingCanWrite) {
  const test::TempDirectory disk;
  disk.write("f", "content");
  const std::string path = disk.path("f");
  const UniqueFd reader = *open_file(path, O_RDONLY);
  const UniqueFd another = *open_file(path, O_RDONLY);
  EXPECT_FALSE(open_for_writing(reader.get()));
  {
    const UniqueFd writer = *open_file(path, O_WRONLY);
    EXPECT_TRUE(open_for_writing(reader.get()));
  }
  EXPECT_FALSE(open_for_writing(reader.get()));
  void* mapping = nullptr;
  {
    const UniqueFd writer = *open_file(path, O_RDWR);
    mapping = ::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_SHARED, writer.get(), 0);
  }
  ASSERT_NE(mapping, MAP_FAILED);
  EXPECT_TRUE(open_for_writing(reader.get()));
  ::munmap(mapping, 7);
  EXPECT_FALSE(open_for_writing(reader.get()));
  // Nothing is left in the way of those who want to write.
  EXPECT_TRUE(open_file(path, O_WRONLY | O_NONBLOCK).ok());
}

TEST(OpenForWriting, IsNoneOfWhoOnlyReads) {
  const test::TempDirectory disk;
  disk.write("f", "content");
  const UniqueFd reader = *open_file(disk.path("f"), O_RDONLY);
  void* mapping = ::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader.get(), 0);
  ASSERT_NE(mapping, MAP_FAILED);
  EXPECT_FALSE(open_for_writing(reader.get()));
  ::munmap(mapping, 7);
}

}  // namespace
}  // namespace kiln::os
