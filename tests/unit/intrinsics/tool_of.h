// ToolOf: a computation that depends on a tool, as preparing a process does.
#pragma once

#include <memory>
#include <string>

#include "common/types/hash.h"
#include "daemon/graph/function.h"
#include "daemon/intrinsics/host/host_tool_function.h"

namespace kiln::intrinsics {

class ToolOf final : public graph::Function {
 public:
  // A tool, or why there is none.
  struct Found {
    Result<exec::HostTool> tool;
    friend bool operator==(const Found& a, const Found& b) {
      if (a.tool.ok() != b.tool.ok()) return false;
      return a.tool.ok() ? *a.tool == *b.tool
                         : a.tool.error().message() == b.tool.error().message();
    }
  };
  using Input = std::shared_ptr<const exec::Process>;

  explicit ToolOf(const HostToolFunction& tools) : tools_(tools) {}

  graph::Key key(const exec::Process& process) const {
    std::string text = process.argv.front() + '\n' + to_string(process.inputs->digest());
    for (const auto& [name, value] : process.env) text += '\n' + name + '=' + value;
    const Hash128 hash = xxh3_128(text);
    return {hash, this, graph::make_value(std::make_shared<const exec::Process>(process))};
  }
  std::string_view name() const override { return "tool_of/1"; }
  std::string describe(const graph::Value&) const override { return "ask for a tool"; }
  Task<Result<graph::Computed>> compute(graph::Context& context,
                                        const graph::Value& input) const override {
    const auto process = graph::value_as<Input>(input);
    Found found{co_await tools_.tool_of(context, *process, HostFingerprint::kTool)};
    co_return graph::Computed{graph::make_value(std::move(found))};
  }

 private:
  const HostToolFunction& tools_;
};

}  // namespace kiln::intrinsics
