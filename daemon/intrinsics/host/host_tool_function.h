// Tools of the host as nodes: which executable a command is, and all that decides what it does.
//
// What:    a node for each way to search (command, variables). It depends on the metadata of all
//          that it looked at, what is absent included: whatever would lead elsewhere now makes it
//          run again, and nothing else does. A command that is not found is a value as well.
// Threads: immutable and thread-safe.
// Fails:   kCommandNotFound, kCommandNotExecutable; a tool that cannot be read.
#pragma once

#include <string>

#include "daemon/async/executor.h"
#include "daemon/exec/tool_search.h"
#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/host/host_fingerprint.h"
#include "daemon/intrinsics/host/host_lookup.h"
#include "daemon/intrinsics/host/host_tools.h"

namespace kiln::intrinsics {

class HostToolFunction final : public graph::Function {
 public:
  // All outlive the graph. `home` is its executor; large files are read on `blocking`.
  HostToolFunction(const FsFunctions& fs, const Workspace& host, HostTools& files, Executor& home,
                   Executor& blocking)
      : services_{fs, host, files, home, blocking} {}

  // The tool of `process`, for a computation that depends on it.
  Task<Result<exec::HostTool>> tool_of(graph::Context& context, const exec::Process& process,
                                       HostFingerprint fingerprint) const;
  // The node of that tool, to be forgotten if the tool turns out to be another. Zero if the process
  // cannot have one.
  Hash128 node_of(const exec::Process& process, HostFingerprint fingerprint) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  struct Wanted;
  graph::Key key(Wanted wanted) const;

  const HostLookup::Services services_;
};

}  // namespace kiln::intrinsics
