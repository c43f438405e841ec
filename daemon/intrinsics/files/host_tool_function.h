// Tools of the host as nodes: which executable a command is, and its content.
//
// What:    a node for each way to search (command, PATH). It depends on the metadata of all that it
//          looked at, what is absent included: whatever would lead elsewhere now makes it run
//          again, and nothing else does. A command that is not found is a value as well.
// Threads: immutable and thread-safe.
// Fails:   kCommandNotFound, kCommandNotExecutable; a tool that cannot be read.
#pragma once

#include <string>

#include "daemon/async/executor.h"
#include "daemon/exec/tool_search.h"
#include "daemon/graph/function.h"
#include "daemon/intrinsics/files/fs_functions.h"
#include "daemon/intrinsics/files/host_tools.h"

namespace kiln::intrinsics {

class HostToolFunction final : public graph::Function {
 public:
  // All outlive the graph. `home` is its executor; large tools are read on `blocking`.
  HostToolFunction(const FsFunctions& fs, const Workspace& host, HostTools& digests, Executor& home,
                   Executor& blocking)
      : fs_(fs), host_(host), digests_(digests), home_(home), blocking_(blocking) {}

  // The tool of `process`, for a computation that depends on it.
  Task<Result<exec::HostTool>> tool_of(graph::Context& context, const exec::Process& process) const;

  std::string_view name() const override;
  std::string describe(const graph::Value& input) const override;
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override;

 private:
  struct Found;
  graph::Key key(exec::ToolSearch search) const;
  Task<Result<Found>> look(graph::Context& context, const std::string& host_file) const;
  Task<Result<FileDigest>> digest(const RelPath& path, const PathMetadata& metadata) const;

  const FsFunctions& fs_;
  const Workspace& host_;
  HostTools& digests_;
  Executor& home_;
  Executor& blocking_;
};

}  // namespace kiln::intrinsics
