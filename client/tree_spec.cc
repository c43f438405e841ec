#include "client/tree_spec.h"

namespace kiln {

namespace {

constexpr std::string_view kExecutable = "+x";

}  // namespace

Result<TreeSpec> parse_tree_spec(const std::string& argument) {
  TreeSpec spec;
  const size_t equals = argument.find('=');
  const size_t arrow = argument.find("->");
  std::string path = argument.substr(0, std::min(equals, arrow));
  if (arrow < equals) {
    spec.entry.set_symlink_target(argument.substr(arrow + 2));
  } else if (equals == std::string::npos) {
    if (!path.ends_with('/')) {
      return user_error(
          ErrorCode::kInvalidArgument,
          "'" + argument + "' is none of PATH=TEXT, PATH=@FILE, PATH->TARGET and DIR/");
    }
    while (path.ends_with('/')) path.pop_back();
    spec.entry.set_directory(true);
  } else {
    if (path.ends_with(kExecutable)) {
      path.resize(path.size() - kExecutable.size());
      spec.entry.set_is_executable(true);
    }
    std::string text = argument.substr(equals + 1);
    if (text.starts_with("@@")) {
      spec.entry.set_content(text.substr(1));
    } else if (text.starts_with('@')) {
      spec.upload = text.substr(1);
      if (spec.upload.empty()) {
        return user_error(ErrorCode::kInvalidArgument,
                          "'" + argument +
                              "' names no file; write PATH=@FILE, or PATH=@@ for the " +
                              "text \"@\"");
      }
    } else {
      spec.entry.set_content(std::move(text));
    }
  }
  if (path.empty()) {
    return user_error(ErrorCode::kInvalidArgument, "'" + argument + "' has no path");
  }
  spec.entry.set_path(std::move(path));
  return spec;
}

}  // namespace kiln
