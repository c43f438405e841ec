#include "client/tree_spec.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "client/json_message.h"
#include "client/render.h"

namespace kiln {

namespace {

constexpr std::string_view kArrow = "->";
constexpr std::string_view kDigest = "digest:";

// PATH of an argument, and what comes after it.
struct Head {
  std::string path;
  bool is_executable = false;  // a "+x" that means something stood at its end
  bool is_directory = false;   // a slash did
  std::string_view sign;       // "=", "->" or nothing
  std::string_view rest;       // behind the sign
};

Head read_head(std::string_view argument) {
  static constexpr std::string_view kEscapable = "=->+\\/";
  Head head;
  size_t plain = 0;  // of the path so far: characters behind the last escaped one
  size_t i = 0;
  for (; i < argument.size(); ++i) {
    const std::string_view ahead = argument.substr(i);
    if (ahead.size() > 1 && ahead[0] == '\\' &&
        kEscapable.find(ahead[1]) != std::string_view::npos) {
      head.path += ahead[1];
      plain = 0;
      ++i;
      continue;
    }
    head.sign = ahead.starts_with('=') ? ahead.substr(0, 1)
                                       : ahead.substr(0, ahead.starts_with(kArrow) ? 2 : 0);
    if (!head.sign.empty()) break;
    head.path += ahead[0];
    ++plain;
  }
  head.rest = argument.substr(std::min(argument.size(), i + head.sign.size()));
  if (head.sign == "=" && plain >= 2 && head.path.ends_with("+x")) {
    head.path.resize(head.path.size() - 2);
    head.is_executable = true;
  }
  if (head.sign.empty() && head.path.ends_with('/')) {
    head.is_directory = true;
    while (head.path.ends_with('/')) head.path.pop_back();
  }
  return head;
}

Result<void> read_file_text(const std::string& argument, std::string_view text, TreeSpec& spec) {
  if (!text.starts_with('@')) {
    spec.entry.set_content(std::string(text));
    return {};
  }
  text.remove_prefix(1);
  if (text.starts_with('@')) {
    spec.entry.set_content(std::string(text));
  } else if (text.starts_with(kDigest)) {
    KILN_ASSIGN(*spec.entry.mutable_file_digest(), digest_of_text(text.substr(kDigest.size())));
  } else if (text.empty()) {
    return user_error(
        ErrorCode::kInvalidArgument,
        "'" + argument + "' names no file; write PATH=@FILE, or PATH=@@ for the " + "text \"@\"");
  } else {
    spec.upload = text;
  }
  return {};
}

// The fields of a TreeEntry become those of a CreateRequest.Entry.
Result<nlohmann::json> entry_form(nlohmann::json json) {
  const auto kind = json.find("kind");
  if (kind == json.end()) return json;
  const std::string name = kind->is_string() ? kind->get<std::string>() : kind->type_name();
  json.erase(kind);
  const bool is_file = name == "file";
  if (!is_file && name != "directory" && name != "symlink") {
    return user_error(ErrorCode::kInvalidArgument,
                      "unknown kind '" + name + "'; there are file, directory, symlink");
  }
  const auto digest = json.find("digest");
  if (digest != json.end()) {
    // That of a directory names what is below it, which has entries of its own.
    if (is_file) json["file_digest"] = *digest;
    json.erase("digest");
  }
  if (name == "directory") json["directory"] = true;
  return json;
}

}  // namespace

Result<TreeSpec> parse_tree_spec(const std::string& argument) {
  TreeSpec spec;
  Head head = read_head(argument);
  if (head.sign == kArrow) {
    spec.entry.set_symlink_target(std::string(head.rest));
  } else if (head.sign == "=") {
    spec.entry.set_is_executable(head.is_executable);
    KILN_TRY(read_file_text(argument, head.rest, spec));
  } else if (head.is_directory) {
    spec.entry.set_directory(true);
  } else {
    return user_error(ErrorCode::kInvalidArgument,
                      "'" + argument + "' is none of PATH=TEXT, PATH=@FILE, PATH->TARGET and DIR/");
  }
  if (head.path.empty()) {
    return user_error(ErrorCode::kInvalidArgument, "'" + argument + "' has no path");
  }
  spec.entry.set_path(std::move(head.path));
  return spec;
}

Result<v1::CreateRequest::Entry> tree_entry_of_json(const nlohmann::json& json) {
  if (!json.is_object()) {
    return user_error(ErrorCode::kInvalidArgument,
                      std::string("an entry is an object, not ") + json.type_name());
  }
  KILN_ASSIGN(const nlohmann::json fields, entry_form(json));
  v1::CreateRequest::Entry entry;
  KILN_TRY(fill_from_json(fields, entry));
  if (entry.path().empty()) {
    return user_error(ErrorCode::kInvalidArgument, "an entry has no path");
  }
  if (entry.kind_case() == v1::CreateRequest::Entry::KIND_NOT_SET) {
    return user_error(
        ErrorCode::kInvalidArgument,
        "'" + entry.path() + "' has none of content, file_digest, symlink_target and directory");
  }
  return entry;
}

Result<std::vector<v1::CreateRequest::Entry>> parse_tree_entries(const std::string& text) {
  std::vector<v1::CreateRequest::Entry> entries;
  const auto add = [&entries](const nlohmann::json& json, std::string_view where,
                              size_t number) -> Result<void> {
    if (json.is_discarded()) {
      return user_error(ErrorCode::kInvalidArgument,
                        std::string(where) + std::to_string(number) + " is not JSON");
    }
    auto entry = tree_entry_of_json(json);
    if (!entry.ok()) {
      return user_error(entry.error().code(), std::string(where) + std::to_string(number) + ": " +
                                                  entry.error().message());
    }
    entries.push_back(*std::move(entry));
    return {};
  };
  const auto whole = nlohmann::json::parse(text, nullptr, false);
  if (whole.is_array()) {
    for (size_t i = 0; i < whole.size(); ++i) KILN_TRY(add(whole[i], "entry ", i + 1));
    return entries;
  }
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    KILN_TRY(add(nlohmann::json::parse(line, nullptr, false), "line ", number));
  }
  return entries;
}

}  // namespace kiln
