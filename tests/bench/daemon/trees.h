// Generated workspaces.
#pragma once

#include <cstddef>
#include <string>

namespace kiln::bench {

inline constexpr size_t kFilesPerDirectory = 100;

// The path of the n-th file of a tree, relative to it.
std::string file_name(size_t n);

// `files` files of a line each, no two alike.
void make_small_files(const std::string& directory, size_t files);
// `files` shell scripts of which ShellCheck has nothing to say, beside whatever is there.
void make_scripts(const std::string& directory, size_t files);
// `files` files whose sizes are spread as those of a large source tree: half of them below 4 KiB,
// 12 KiB on average. Returns the bytes in all.
size_t make_source_tree(const std::string& directory, size_t files);

// Other bytes in a file of a few, in place: file systems make whoever truncates a file wait for the
// disk, and that is not what is measured here.
void edit_file(const std::string& path, int edit);

void write_file(const std::string& path, const std::string& content);

}  // namespace kiln::bench
