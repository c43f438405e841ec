#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "common/types/hash.h"
#include "daemon/exec/process.h"

namespace kiln::exec {
namespace {

namespace reapi = build::bazel::remote::execution::v2;

// REAPI wants messages in canonical form: fields in the order of their numbers, no unknown ones.
std::string encode(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

template <class SomeDigest>
void fill(reapi::Digest& message, const SomeDigest& digest) {
  message.set_hash(to_hex(digest.hash));
  message.set_size_bytes(digest.size);
}

constexpr const char* kIsa =
#if defined(__x86_64__)
    "x86-64";
#elif defined(__aarch64__)
    "arm-a64";
#else
#error "name the instruction set as in the REAPI platform lexicon"
#endif

void fill(reapi::Platform& platform, const Process& process, const HostTool& tool) {
  for (auto& [name, value] : platform_of(process, tool)) {
    auto* property = platform.add_properties();
    property->set_name(name);
    property->set_value(std::move(value));
  }
}

reapi::Command command_of(const Process& process, const HostTool& tool) {
  reapi::Command command;
  for (const std::string& argument : process.argv) command.add_arguments(argument);
  for (const auto& [name, value] : process.env) {  // a map: sorted
    auto* variable = command.add_environment_variables();
    variable->set_name(name);
    variable->set_value(value);
  }
  // Servers of version 2.0 read the first two lists, later ones the third alone; to kiln the kind
  // of an output is part of what was asked.
  std::vector<std::string> paths;
  for (const RelPath& path : process.output_files) {
    command.add_output_files(path.str());
    paths.push_back(path.str());
  }
  for (const RelPath& path : process.output_directories) {
    command.add_output_directories(path.str());
    paths.push_back(path.str());
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  for (std::string& path : paths) command.add_output_paths(std::move(path));
  command.set_working_directory(process.working_directory.str());
  fill(*command.mutable_platform(), process, tool);
  return command;
}

}  // namespace

// Names of REAPI's platform lexicon where it has one. Sorted by name, as REAPI requires.
std::vector<std::pair<std::string, std::string>> platform_of(const Process& process,
                                                             const HostTool& tool) {
  std::vector<std::pair<std::string, std::string>> platform = {{"ISA", kIsa},
                                                               {"OSFamily", "linux"}};
  if (process.sandbox == SandboxLevel::kStrict) {
    const auto network = static_cast<size_t>(process.network);
    for (const std::string& path : process.host_paths)
      platform.emplace_back("kiln-host-path", path);
    platform.emplace_back("kiln-network", enum_names(process.network)[network]);
    platform.emplace_back("kiln-sandbox", "strict");
  }
  if (const auto digest = tool.digest()) {
    platform.emplace_back("kiln-tool-digest", to_string(*digest));
    platform.emplace_back("kiln-tool-path", tool.path);
  }
  return platform;
}

std::string_view kind_name(ToolComponent::Kind kind) {
  switch (kind) {
    case ToolComponent::Kind::kExecutable:
      return "executable";
    case ToolComponent::Kind::kInterpreter:
      return "interpreter";
    case ToolComponent::Kind::kLoader:
      return "loader";
    case ToolComponent::Kind::kLibrary:
      return "library";
    case ToolComponent::Kind::kConfiguration:
      return "configuration";
    case ToolComponent::Kind::kInstalled:
      return "installed";
    case ToolComponent::Kind::kPackages:
      return "packages";
    case ToolComponent::Kind::kUnknown:
      return "unknown";
  }
  return "";
}

std::optional<FileDigest> HostTool::digest() const {
  if (components.empty()) return std::nullopt;
  // A line for each: "KIND LENGTH:PATH HASH/SIZE". The length keeps paths with odd bytes apart.
  std::string list;
  for (const ToolComponent& component : components) {
    list += std::string(kind_name(component.kind)) + " " + std::to_string(component.path.size()) +
            ":" + component.path + " " + to_string(component.digest) + "\n";
  }
  return file_digest_of(list);
}

Action make_action(const Process& process, const HostTool& tool, std::string_view salt) {
  const reapi::Command command = command_of(process, tool);
  Action result;
  result.command = encode(command);
  reapi::Action action;
  fill(*action.mutable_command_digest(), file_digest_of(result.command));
  fill(*action.mutable_input_root_digest(), process.inputs->digest());
  if (process.timeout) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*process.timeout);
    action.mutable_timeout()->set_seconds(seconds.count());
    action.mutable_timeout()->set_nanos(static_cast<int32_t>((*process.timeout - seconds).count()));
  }
  action.set_salt(salt.data(), salt.size());
  *action.mutable_platform() = command.platform();
  result.action = encode(action);
  const FileDigest digest = file_digest_of(result.action);
  result.digest = Digest{.hash = digest.hash, .size = digest.size};
  return result;
}

}  // namespace kiln::exec
