#include "tests/bench/daemon/trees.h"

#include <fcntl.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

#include "common/base/check.h"
#include "common/base/file.h"

namespace kiln::bench {

namespace {

constexpr double kMedianSize = 4096;
constexpr double kSpread = 1.45;  // e^(1.45²/2) = 2.9 times the median on average
constexpr size_t kMaxSize = size_t{4} << 20;

template <class Content>
void make_tree(const std::string& directory, size_t files, Content content) {
  for (size_t i = 0; i < files; ++i) {
    const std::string path = directory + "/" + file_name(i);
    if (i % kFilesPerDirectory == 0) {
      std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    }
    write_file(path, content(i));
  }
}

// As compressible as nothing is, and made as fast as the disk takes it.
std::string random_bytes(size_t size, std::mt19937_64& random) {
  std::string bytes(size + sizeof(uint64_t), '\0');
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word = random();
    std::memcpy(&bytes[at], &word, sizeof word);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::string file_name(size_t n) {
  char text[64];
  std::snprintf(text, sizeof text, "d%04zu/f%06zu.txt", n / kFilesPerDirectory, n);
  return text;
}

void write_file(const std::string& path, const std::string& content) {
  const auto fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  KILN_CHECK(fd.ok(), fd.error().to_string());
  const auto written = write_all(fd->get(), content, path);
  KILN_CHECK(written.ok(), written.error().to_string());
}

void edit_file(const std::string& path, int edit) {
  char line[32];
  std::snprintf(line, sizeof line, "edit %012d\n", edit);
  const auto fd = open_file(path, O_WRONLY, 0);
  KILN_CHECK(fd.ok(), fd.error().to_string());
  const auto written = write_all(fd->get(), line, path);
  KILN_CHECK(written.ok(), written.error().to_string());
}

void make_small_files(const std::string& directory, size_t files) {
  make_tree(directory, files, [](size_t i) { return "line of file " + std::to_string(i) + "\n"; });
}

void make_scripts(const std::string& directory, size_t files) {
  std::filesystem::create_directories(directory + "/scripts");
  for (size_t i = 0; i < files; ++i) {
    const std::string number = std::to_string(i);
    write_file(directory + "/scripts/s" + number + ".sh", "#!/bin/sh\necho " + number + "\n");
  }
}

size_t make_source_tree(const std::string& directory, size_t files) {
  std::mt19937_64 random(1);  // the same tree in every run
  std::lognormal_distribution<double> sizes(std::log(kMedianSize), kSpread);
  size_t total = 0;
  make_tree(directory, files, [&](size_t) {
    const size_t size = std::min(kMaxSize, static_cast<size_t>(sizes(random)));
    total += size;
    return random_bytes(size, random);
  });
  return total;
}

}  // namespace kiln::bench
