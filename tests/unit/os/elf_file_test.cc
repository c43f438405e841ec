// What programs say about their libraries, and the loader's index of libraries.
#include "daemon/os/elf_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "common/base/file.h"
#include "daemon/os/library_cache.h"

namespace kiln::os {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ElfFileTest, ReadsWhatThisProgramIsLoadedWith) {
  const UniqueFd fd = *open_file("/proc/self/exe", O_RDONLY);
  const auto elf = read_elf(fd.get());
  ASSERT_TRUE(elf);
  EXPECT_THAT(elf->interpreter, HasSubstr("ld-linux"));
  EXPECT_TRUE(std::filesystem::exists(elf->interpreter));
  EXPECT_THAT(elf->needed, Contains("libc.so.6"));
  EXPECT_TRUE(elf->is_64_bit);
}

TEST(ElfFileTest, ReadsTheSameFromMemory) {
  const std::string content = *read_file("/proc/self/exe");
  const auto elf = read_elf(content);
  ASSERT_TRUE(elf);
  EXPECT_THAT(elf->needed, Contains("libc.so.6"));
  // Cut short, as by a full disk: whatever it is taken for, nothing outside is read.
  for (const size_t size :
       {size_t{0}, size_t{3}, size_t{20}, size_t{64}, size_t{200}, size_t{4096}}) {
    (void)read_elf(content.substr(0, size));
  }
  EXPECT_FALSE(read_elf("#!/bin/sh\n"));
}

void append(std::string& bytes, uint32_t number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string cache_of(std::initializer_list<std::pair<std::string, std::string>> entries) {
  std::string bytes = "glibc-ld.so.cache1.1";
  append(bytes, static_cast<uint32_t>(entries.size()));
  bytes.resize(48);
  std::string strings;
  const size_t strings_at = 48 + 24 * entries.size();
  for (const auto& [name, file] : entries) {
    append(bytes, 0x303);
    append(bytes, static_cast<uint32_t>(strings_at + strings.size()));
    strings += name + '\0';
    append(bytes, static_cast<uint32_t>(strings_at + strings.size()));
    strings += file + '\0';
    bytes.append(12, '\0');
  }
  return bytes + strings;
}

TEST(LibraryCacheTest, FindsAllFilesOfAName) {
  const auto cache = LibraryCache::parse(cache_of({{"libz.so.1", "/lib/hwcaps/libz.so.1"},
                                                   {"libz.so.1", "/lib/libz.so.1"},
                                                   {"libc.so.6", "/lib/libc.so.6"}}));
  ASSERT_TRUE(cache);
  EXPECT_THAT(cache->find("libz.so.1"), ElementsAre("/lib/hwcaps/libz.so.1", "/lib/libz.so.1"));
  EXPECT_THAT(cache->find("libc.so.6"), ElementsAre("/lib/libc.so.6"));
  EXPECT_THAT(cache->find("libz.so"), IsEmpty());
}

TEST(LibraryCacheTest, MayStandBehindTheOlderFormat) {
  const auto cache =
      LibraryCache::parse("ld.so-1.7.0\0 older entries" + cache_of({{"liba.so", "/lib/liba.so"}}));
  ASSERT_TRUE(cache);
  EXPECT_THAT(cache->find("liba.so"), ElementsAre("/lib/liba.so"));
}

TEST(LibraryCacheTest, DamagedOnesAreNone) {
  const std::string whole = cache_of({{"liba.so", "/lib/liba.so"}});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(LibraryCache::parse(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(LibraryCache::parse("anything else"));
  std::string many = whole;
  std::memset(many.data() + 20, 0xff, 4);
  EXPECT_FALSE(LibraryCache::parse(many));
}

TEST(LibraryCacheTest, ReadsThatOfThisMachine) {
  const auto bytes = read_file("/etc/ld.so.cache");
  if (!bytes.ok()) GTEST_SKIP() << "no /etc/ld.so.cache";
  const auto cache = LibraryCache::parse(*bytes);
  ASSERT_TRUE(cache);
  EXPECT_THAT(cache->find("libc.so.6"), Contains(HasSubstr("libc.so.6")));
}

}  // namespace
}  // namespace kiln::os
