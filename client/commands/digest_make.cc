// kiln digest capture | create | merge | subset | add-prefix | remove-prefix | download | write:
// the commands that make a tree, or files of one.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "client/commands/caller_options.h"
#include "client/commands/command.h"
#include "client/commands/globs.h"
#include "client/input_file.h"
#include "client/render.h"
#include "client/tree_spec.h"
#include "common/base/file.h"
#include "kiln/v1/digests.pb.h"

namespace kiln {

namespace {

Result<int> print_digest(Invocation& invocation, const v1::Digest& digest) {
  const std::string text = digest_text(digest);
  KILN_TRY(invocation.console().write_stdout(
      invocation.globals().json() ? nlohmann::json{{"digest", text}}.dump() + "\n" : text + "\n"));
  return 0;
}

// Sends a request that names its caller, and prints the digest of the answer.
template <class Request>
Result<int> make_tree(Invocation& invocation, const char* method, Request& request) {
  KILN_ASSIGN(const auto response, invocation.ask<v1::DigestResponse>(method, request));
  return print_digest(invocation, response.digest());
}

// A file in pieces, so that its size does not matter.
class FileUpload final : public RequestSource {
 public:
  FileUpload(UniqueFd file, std::string name, v1::Caller caller, const Interrupt& interrupt)
      : file_(std::move(file)),
        name_(std::move(name)),
        interrupt_(interrupt),
        caller_(std::move(caller)) {
    *request_.mutable_caller() = caller_;
  }

  Result<Pull> pull(std::string& message) override {
    if (!is_readable(file_.get())) return Pull::kNotYet;
    std::string& data = *request_.mutable_data();
    data.resize(kPiece);
    KILN_ASSIGN(const size_t n, read_input(file_.get(), data, name_, interrupt_));
    // An empty file still says who uploads it.
    if (n == 0 && !request_.has_caller()) return Pull::kEnd;
    data.resize(n);
    request_.SerializeToString(&message);
    request_.clear_caller();
    return Pull::kMessage;
  }

  int wait_fd() const override { return file_.get(); }
  bool rewind() override {
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) return false;
    *request_.mutable_caller() = caller_;
    return true;
  }

 private:
  static constexpr size_t kPiece = size_t{256} << 10;
  const UniqueFd file_;
  const std::string name_;
  const Interrupt& interrupt_;
  const v1::Caller caller_;
  v1::UploadRequest request_;
};

Result<v1::Digest> upload(Session& session, const std::string& path, const v1::Caller& caller) {
  KILN_ASSIGN(UniqueFd file, open_input_file(path, session.interrupt()));
  FileUpload source(std::move(file), path, caller, session.interrupt());
  v1::UploadResponse response;
  KILN_TRY(session.bidirectional(
      "/kiln.v1.Digests/Upload", source,
      [&response](std::string_view bytes) { return parse_message(bytes, response); }));
  return response.file_digest();
}

// The entries that stand in `file` as JSON.
Result<void> add_entries(const std::string& file, const Interrupt& interrupt,
                         v1::CreateRequest& request) {
  std::string text;
  if (file == "-") {
    KILN_ASSIGN(text, read_whole_input(STDIN_FILENO, "standard input", interrupt));
  } else {
    KILN_ASSIGN(const UniqueFd input, open_input_file(file, interrupt));
    KILN_ASSIGN(text, read_whole_input(input.get(), file, interrupt));
  }
  auto parsed = parse_tree_entries(text);
  if (!parsed.ok()) {
    return user_error(parsed.error().code(),
                      (file == "-" ? "standard input" : file) + ", " + parsed.error().message());
  }
  for (v1::CreateRequest::Entry& entry : *parsed) *request.add_entries() = std::move(entry);
  return {};
}

Result<int> change_prefix(Invocation& invocation, HelpText text, const char* method) {
  std::vector<std::string> arguments;
  OptionParser parser(std::move(text));
  parser.positionals(arguments, 2, 2);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::PrefixRequest request;
  KILN_ASSIGN(*request.mutable_digest(), digest_of_text(arguments[0]));
  request.set_prefix(arguments[1]);
  return make_tree(invocation, method, request);
}

}  // namespace

Result<int> run_digest_capture(Invocation& invocation) {
  GlobOptions globs;
  OptionParser parser(
      {"kiln digest capture", "[OPTION]... GLOB...",
       "Store matching files and print the digest of their tree.",
       std::string(kGlobHelp) + std::string(kIgnoreHelp) +
           "\nA name without wildcards is taken even so. The tree holds their paths from the\n"
           "workspace root.",
       "kiln digest capture 'src/**/*.cc' '!src/**/*_test.cc'"});
  globs.add_workspace_to(parser);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::CaptureRequest request;
  KILN_ASSIGN(const SpecResolver paths, invocation.paths());
  KILN_TRY(globs.fill(*request.mutable_globs(), paths));
  KILN_TRY(fill_options(globs.options, *request.mutable_caller()));
  KILN_ASSIGN(const auto response, invocation.ask_in_workspace<v1::CaptureResponse>(
                                       "/kiln.v1.Digests/Capture", request));
  for (const std::string& warning : response.warnings()) {
    invocation.console().say_warning(warning);
  }
  return print_digest(invocation, response.digest());
}

Result<int> run_digest_create(Invocation& invocation) {
  std::vector<std::string> arguments;
  std::optional<std::string> entries;
  OptionParser parser(
      {"kiln digest create", "[--entries FILE|-] ENTRY...",
       "Store a tree of files that need not exist, and print its digest.",
       "ENTRY is one of\n"
       "  PATH=TEXT     a file with this text\n"
       "  PATH=@FILE    a file with the bytes of FILE (PATH=@@TEXT: the text @TEXT)\n"
       "  PATH=@digest:HASH/SIZE  a file that the store holds (stdout_digest, a download)\n"
       "  PATH+x=...    the same, executable\n"
       "  PATH->TARGET  a symbolic link\n"
       "  DIR/          an empty directory\n"
       "In PATH a backslash escapes these signs: 'a\\=b=text' makes the file a=b, and so do\n"
       "'a\\->b', 'a\\+x' and 'a\\\\b'. With --entries, entries are JSON objects, one a line or in "
       "an\n"
       "array: {\"path\": …, and \"content\", \"file_digest\", \"symlink_target\" or "
       "\"directory\": true;\n"
       "\"is_executable\": true}, or what `kiln digest entries --json` prints.",
       "kiln digest create greeting=hello bin/run+x=@run.sh 'bin/go->run' tmp/"});
  parser.positionals(arguments, 0, 0);
  parser.value("--entries", "FILE", entries, "entries as JSON; - is standard input");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::CreateRequest request;
  if (entries) KILN_TRY(add_entries(*entries, invocation.interrupt(), request));
  std::vector<TreeSpec> specs;
  for (const std::string& argument : arguments) {
    KILN_ASSIGN(TreeSpec spec, parse_tree_spec(argument));
    specs.push_back(std::move(spec));
  }
  KILN_ASSIGN(Session * session, invocation.session());
  v1::Caller caller;
  KILN_TRY(invocation.fill_anywhere(caller));
  for (TreeSpec& spec : specs) {
    if (!spec.upload.empty()) {
      KILN_ASSIGN(*spec.entry.mutable_file_digest(), upload(*session, spec.upload, caller));
    }
    *request.add_entries() = std::move(spec.entry);
  }
  return make_tree(invocation, "/kiln.v1.Digests/Create", request);
}

Result<int> run_digest_merge(Invocation& invocation) {
  std::vector<std::string> arguments;
  OptionParser parser({"kiln digest merge", "DIGEST...", "Make one tree of several.",
                       "Equal entries merge. Different ones at one path are an error that lists\n"
                       "every conflict.",
                       ""});
  parser.positionals(arguments, 1, 0);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::MergeRequest request;
  for (const std::string& text : arguments) {
    KILN_ASSIGN(*request.add_digests(), digest_of_text(text));
  }
  return make_tree(invocation, "/kiln.v1.Digests/Merge", request);
}

Result<int> run_digest_subset(Invocation& invocation) {
  GlobOptions globs;
  std::vector<std::string> arguments;
  OptionParser parser({"kiln digest subset", "[OPTION]... DIGEST GLOB...",
                       "Keep what matches globs.", std::string(kTreeGlobHelp), ""});
  globs.add_to(parser, 2);
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::SubsetRequest request;
  KILN_ASSIGN(*request.mutable_digest(), digest_of_text(globs.globs.front()));
  globs.globs.erase(globs.globs.begin());
  KILN_TRY(globs.fill(*request.mutable_globs()));
  return make_tree(invocation, "/kiln.v1.Digests/Subset", request);
}

Result<int> run_digest_add_prefix(Invocation& invocation) {
  return change_prefix(
      invocation,
      {"kiln digest add-prefix", "DIGEST PREFIX",
       "Move a tree below a directory, and print the digest of the whole.", "", ""},
      "/kiln.v1.Digests/AddPrefix");
}

Result<int> run_digest_remove_prefix(Invocation& invocation) {
  return change_prefix(invocation,
                       {"kiln digest remove-prefix", "DIGEST PREFIX",
                        "Move a tree up from a directory that everything in it is below.", "", ""},
                       "/kiln.v1.Digests/RemovePrefix");
}

Result<int> run_digest_download(Invocation& invocation) {
  std::vector<std::string> arguments;
  bool executable = false;
  OptionParser parser(
      {"kiln digest download", "[-x] URL SHA256 SIZE",
       "Store the file behind a URL, and print the digest of a tree of it alone.",
       "URL begins with https:, http: or file:, and its last segment names the file. SHA256 and\n"
       "SIZE are what `shasum -a 256` and `wc -c` print of it; anything else is refused. What the\n"
       "store holds is not asked for again. Proxies are those of the environment in which the\n"
       "daemon was started; user names and passwords for https: are taken from ~/.netrc.",
       "kiln digest download https://example.com/tool.tar.gz \\\n"
       "    5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 6"});
  parser.positionals(arguments, 3, 3);
  parser.flag("-x,--executable", executable, "the file in the tree is executable");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::DownloadRequest request;
  request.set_url(arguments[0]);
  request.set_is_executable(executable);
  KILN_ASSIGN(*request.mutable_file_digest(), digest_of_text(arguments[1] + "/" + arguments[2]));
  return make_tree(invocation, "/kiln.v1.Digests/Download", request);
}

Result<int> run_digest_write(Invocation& invocation) {
  std::vector<std::string> arguments;
  std::optional<std::string> prefix;
  OptionParser parser(
      {"kiln digest write", "[--prefix PATH] DIGEST", "Write a tree into the workspace.",
       "Writes below the workspace root and nowhere else: paths of the tree are from\n"
       "there, unless --prefix says where the tree goes. A file that is replaced keeps\n"
       "its mode but for the executable bits.",
       ""});
  parser.positionals(arguments, 1, 1);
  parser.value("--prefix", "PATH", prefix, "below this directory, relative to the current one");
  KILN_ASSIGN(const bool go, invocation.parse(parser));
  if (!go) return 0;
  v1::WriteRequest request;
  KILN_ASSIGN(*request.mutable_digest(), digest_of_text(arguments[0]));
  if (prefix) {
    KILN_ASSIGN(const SpecResolver paths, invocation.paths());
    KILN_ASSIGN(*request.mutable_path_prefix(), paths.path(*prefix));
  }
  KILN_ASSIGN(const auto response,
              invocation.ask_in_workspace<v1::WriteResponse>("/kiln.v1.Digests/Write", request));
  if (invocation.globals().json()) {
    KILN_TRY(invocation.console().write_stdout(
        nlohmann::json{{"written", response.written()}}.dump() + "\n"));
  } else if (invocation.console().tells_results()) {
    invocation.console().say(std::to_string(response.written()) + " files written");
  }
  return 0;
}

}  // namespace kiln
