#include "daemon/exec/interactive_sandboxes.h"

#include <chrono>
#include <utility>

#include "daemon/exec/chroot.h"
#include "daemon/exec/materialize.h"
#include "daemon/exec/runners.h"

namespace kiln::exec {

InteractivePlace::InteractivePlace(SandboxDirectory sandbox, const InteractiveCommand& command,
                                   os::ProcessTag tag)
    : sandbox_(std::move(sandbox)), tag_(tag) {
  resolve(sandbox_->path(), command);
}

InteractivePlace::InteractivePlace(const std::string& directory, const InteractiveCommand& command,
                                   os::ProcessTag tag)
    : tag_(tag) {
  resolve(directory, command);
}

void InteractivePlace::resolve(const std::string& root, const InteractiveCommand& command) {
  for (const std::string& argument : command.argv) argv_.push_back(with_chroot(argument, root));
  for (const auto& [name, value] : command.env) env_[name] = with_chroot(value, root);
  directory_ = root;
  if (!command.working_directory.is_root()) directory_ += "/" + command.working_directory.str();
}

// The process itself has ended: the client waits for it. What it left behind has not.
InteractivePlace::~InteractivePlace() {
  constexpr std::chrono::seconds kPatience{5};
  os::kill_tagged(tag_, std::nullopt, std::chrono::steady_clock::now() + kPatience);
}

Result<std::unique_ptr<InteractiveSandboxes>> InteractiveSandboxes::open(
    const std::string& directory, uint32_t instance, store::Store& store, Counters& counters,
    Log& log) {
  KILN_ASSIGN(auto pool, SandboxPool::open(directory, counters, log));
  return std::unique_ptr<InteractiveSandboxes>(
      new InteractiveSandboxes(std::move(pool), instance, store));
}

os::ProcessTag InteractiveSandboxes::next_tag() {
  constexpr os::ProcessTag kTags = 0x10000 - kFirstInteractiveTag;
  return daemon_tag(instance_) | (kFirstInteractiveTag + sequence_.fetch_add(1) % kTags);
}

Result<std::unique_ptr<InteractivePlace>> InteractiveSandboxes::make(
    const InteractiveCommand& command, store::TreePtr inputs, std::stop_token stop) {
  KILN_ASSIGN(SandboxDirectory sandbox, pool_->take(false));
  Process process;
  process.inputs = std::move(inputs);
  process.working_directory = command.working_directory;
  KILN_TRY(make_inputs(sandbox.fd(), process, store_.files(), stop));
  return std::make_unique<InteractivePlace>(std::move(sandbox), command, next_tag());
}

std::unique_ptr<InteractivePlace> InteractiveSandboxes::make_in(const std::string& directory,
                                                                const InteractiveCommand& command) {
  return std::make_unique<InteractivePlace>(directory, command, next_tag());
}

}  // namespace kiln::exec
