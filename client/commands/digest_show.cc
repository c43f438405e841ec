// kiln digest ls | cat | entries | diff, and kiln paths: the commands that show what is there.
#include <nlohmann/json.hpp>

#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/commands/globs.h"
#include "client/render.h"
#include "common/types/rel_path.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

namespace {

std::string_view kind_text(v1::TreeEntry::Kind kind) {
  switch (kind) {
    case v1::TreeEntry::FILE:
      return "file";
    case v1::TreeEntry::DIRECTORY:
      return "directory";
    case v1::TreeEntry::SYMLINK:
      return "symlink";
    default:
      return "unknown";
  }
}

// A path as it is for scripts, and without control characters for a terminal.
std::string shown_path(const std::string& path, const Console& console) {
  return console.stdout_is_terminal() ? printable(path) : path;
}

nlohmann::ordered_json json_of(const v1::TreeEntry& entry) {
  nlohmann::ordered_json json = {{"path", entry.path()}, {"kind", kind_text(entry.kind())}};
  if (entry.has_digest()) json["digest"] = digest_text(entry.digest());
  if (entry.kind() == v1::TreeEntry::FILE) json["is_executable"] = entry.is_executable();
  if (entry.kind() == v1::TreeEntry::SYMLINK) json["symlink_target"] = entry.symlink_target();
  return json;
}

// "-rwx  1234  HASH/SIZE  path" for a file, and the like.
std::string long_line(const v1::TreeEntry& entry, const Console& console) {
  const std::string path = shown_path(entry.path(), console);
  switch (entry.kind()) {
    case v1::TreeEntry::DIRECTORY:
      return "dir   " + digest_text(entry.digest()) + "  " + path + "/\n";
    case v1::TreeEntry::SYMLINK:
      return "link  " + path + " -> " + shown_path(entry.symlink_target(), console) + "\n";
    default:
      return std::string(entry.is_executable() ? "exec  " : "file  ") +
             digest_text(entry.digest()) + "  " + path + "\n";
  }
}

std::string short_line(const v1::TreeEntry& entry, const Console& console) {
  const bool directory = entry.kind() == v1::TreeEntry::DIRECTORY;
  return shown_path(entry.path(), console) + (directory ? "/\n" : "\n");
}

Result<int> list(Invocation& invocation, const std::string& digest, bool leaves_only,
                 bool long_form) {
  v1::ListEntriesRequest request;
  KILN_ASSIGN(*request.mutable_digest(), digest_of_text(digest));
  request.set_leaves_only(leaves_only);
  KILN_TRY(invocation.fill_anywhere(*request.mutable_caller()));
  KILN_ASSIGN(Session * session, invocation.session());
  Console& console = invocation.console();
  const bool json = invocation.globals().json();
  KILN_TRY(session->server_stream("/kiln.v1.Digests/ListEntries", request,
                                  [&](std::string_view bytes) -> Result<void> {
                                    v1::ListEntriesResponse response;
                                    KILN_TRY(parse_message(bytes, response));
                                    std::string text;
                                    for (const v1::TreeEntry& entry : response.entries()) {
                                      text += json        ? json_of(entry).dump() + "\n"
                                              : long_form ? long_line(entry, console)
                                                          : short_line(entry, console);
                                    }
                                    return console.write_stdout(text);
                                  }));
  return 0;
}

std::string diff_lines(const v1::DiffResponse::Change& change, const Console& console) {
  if (!change.has_right()) return "- " + short_line(change.left(), console);
  if (!change.has_left()) return "+ " + short_line(change.right(), console);
  return "~ " + short_line(change.right(), console);
}

nlohmann::ordered_json json_of(const v1::DiffResponse::Change& change) {
  nlohmann::ordered_json json = {
      {"path", change.has_right() ? change.right().path() : change.left().path()},
      {"left", nullptr},
      {"right", nullptr}};
  if (change.has_left()) json["left"] = json_of(change.left());
  if (change.has_right()) json["right"] = json_of(change.right());
  return json;
}

// A file by its own digest.
Result<int> print_blob(Invocation& invocation, const std::string& digest) {
  v1::ReadBlobRequest request;
  KILN_ASSIGN(*request.mutable_file_digest(), digest_of_text(digest));
  KILN_TRY(invocation.fill(*request.mutable_caller()));
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_TRY(session->server_stream("/kiln.v1.Digests/ReadBlob", request,
                                  [&](std::string_view bytes) -> Result<void> {
                                    v1::ReadBlobResponse response;
                                    KILN_TRY(parse_message(bytes, response));
                                    return invocation.console().write_stdout(response.data());
                                  }));
  return 0;
}

}  // namespace

Result<int> run_digest_ls(Invocation& invocation) {
  std::vector<std::string> arguments;
  bool long_form = false;
  OptionParser parser({"kiln digest ls", "[-l] DIGEST", "List a stored tree.", "", ""});
  parser.positionals(arguments, 1, 1);
  parser.flag("-l,--long", long_form, "with kind and digest");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  return list(invocation, arguments[0], false, long_form);
}

Result<int> run_digest_entries(Invocation& invocation) {
  std::vector<std::string> arguments;
  OptionParser parser({"kiln digest entries", "DIGEST", "Print what a stored tree is made of.",
                       "Files, symbolic links and empty directories, each with what it takes to\n"
                       "make the tree again.",
                       ""});
  parser.positionals(arguments, 1, 1);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  return list(invocation, arguments[0], true, true);
}

Result<int> run_digest_cat(Invocation& invocation) {
  std::vector<std::string> arguments;
  OptionParser parser(
      {"kiln digest cat", "DIGEST [PATH]", "Print one stored file.",
       "Its bytes as they are: of the file PATH in the tree DIGEST, or of the file\n"
       "whose own digest is DIGEST, as a process's stdout_digest is.",
       ""});
  parser.positionals(arguments, 1, 2);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  if (arguments.size() == 1) return print_blob(invocation, arguments[0]);
  v1::ReadFileRequest request;
  KILN_ASSIGN(*request.mutable_digest(), digest_of_text(arguments[0]));
  if (arguments[1].empty()) {
    return user_error(ErrorCode::kInvalidArgument, "digest cat: the path of the file is empty");
  }
  request.set_path(arguments[1]);
  KILN_TRY(invocation.fill_anywhere(*request.mutable_caller()));
  KILN_ASSIGN(Session * session, invocation.session());
  KILN_TRY(session->server_stream("/kiln.v1.Digests/ReadFile", request,
                                  [&](std::string_view bytes) -> Result<void> {
                                    v1::ReadFileResponse response;
                                    KILN_TRY(parse_message(bytes, response));
                                    return invocation.console().write_stdout(response.data());
                                  }));
  return 0;
}

Result<int> run_digest_diff(Invocation& invocation) {
  std::vector<std::string> arguments;
  OptionParser parser(
      {"kiln digest diff",
       "LEFT RIGHT",
       "Print what differs between two trees.",
       "One line per path: - only left, + only right, ~ on both and different.",
       "",
       {{"0", "they are equal"}, {"1", "they differ"}, kWrongCommandLine, kKilnFailed}});
  parser.positionals(arguments, 2, 2);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::DiffRequest request;
  KILN_ASSIGN(*request.mutable_left(), digest_of_text(arguments[0]));
  KILN_ASSIGN(*request.mutable_right(), digest_of_text(arguments[1]));
  KILN_TRY(invocation.fill_anywhere(*request.mutable_caller()));
  KILN_ASSIGN(Session * session, invocation.session());
  Console& console = invocation.console();
  bool differ = false;
  KILN_TRY(session->server_stream(
      "/kiln.v1.Digests/Diff", request, [&](std::string_view bytes) -> Result<void> {
        v1::DiffResponse response;
        KILN_TRY(parse_message(bytes, response));
        std::string text;
        for (const auto& change : response.changes()) {
          differ = true;
          text += invocation.globals().json() ? json_of(change).dump() + "\n"
                                              : diff_lines(change, console);
        }
        return console.write_stdout(text);
      }));
  return differ ? 1 : 0;
}

Result<int> run_paths(Invocation& invocation) {
  GlobOptions globs;
  bool null_terminated = false;
  OptionParser parser({"kiln paths", "[OPTION]... GLOB...",
                       "Print the names of the files that match globs.",
                       std::string(kGlobHelp) + std::string(kIgnoreHelp) +
                           "\nNames are printed as they are typed here: relative to the current "
                           "directory.\nNo file is read.",
                       "kiln paths '**/*.py'"});
  globs.add_workspace_to(parser);
  parser.flag("-z,--null", null_terminated, "end each name with a NUL byte, for xargs -0");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::ListPathsRequest request;
  KILN_ASSIGN(const SpecResolver paths, invocation.paths());
  KILN_TRY(globs.fill(*request.mutable_globs(), paths));
  KILN_TRY(fill_options(globs.options, *request.mutable_caller()));
  KILN_TRY(invocation.fill(*request.mutable_caller()));
  KILN_ASSIGN(Session * session, invocation.session());
  Console& console = invocation.console();
  const auto line = [&](const v1::ListPathsResponse::Path& path) {
    const std::string shown = paths.shown(path.path());
    if (invocation.globals().json()) {
      return nlohmann::ordered_json{{"path", shown}, {"is_directory", path.is_directory()}}.dump() +
             "\n";
    }
    const std::string name =
        (null_terminated ? shown : shown_path(shown, console)) + (path.is_directory() ? "/" : "");
    return null_terminated ? name + '\0' : name + '\n';
  };
  KILN_TRY(session->server_stream("/kiln.v1.Digests/ListPaths", request,
                                  [&](std::string_view bytes) -> Result<void> {
                                    v1::ListPathsResponse response;
                                    KILN_TRY(parse_message(bytes, response));
                                    std::string text;
                                    for (const auto& path : response.paths()) text += line(path);
                                    KILN_TRY(console.write_stdout(text));
                                    for (const std::string& warning : response.warnings()) {
                                      console.say_warning(warning);
                                    }
                                    return {};
                                  }));
  return 0;
}

}  // namespace kiln
