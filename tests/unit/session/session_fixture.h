// SessionFixture: an Engine over one workspace, with processes that only pretend.
#pragma once

#include "daemon/intrinsics/process_rules.h"
#include "daemon/intrinsics/tree_rules.h"
#include "daemon/session/captures.h"
#include "daemon/session/executions.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/recording_runner.h"

namespace kiln::session {

class SessionFixture : public test::EngineFixture {
 protected:
  SessionFixture()
      : runner_(home_),
        tool_digests_(fs_counters_),
        tools_(files_.functions(), workspaces_.host(), tool_digests_, home_, blocking_),
        writer_(*store_, fs_counters_),
        changes_(home_),
        rule_services_{&files_,  store_.get(), &runner_, &outputs_, &tools_,
                       &router_, nullptr,      &home_,   &blocking_},
        rules_(rules::RuleGraph::compile(built_in_rules()).graph),
        engine_{*graph_,   files_,    outputs_, writer_,  *store_, home_,
                blocking_, counters_, *rules_,  changes_, events_} {}
  // The graph holds keys of functions that live here.
  ~SessionFixture() override {
    router_.detach();
    watcher_->synchronize();
    graph_.reset();
  }

  std::shared_ptr<session::Run> begin(CallerOptions options = {}) {
    return *runs_.begin(&workspace_, std::move(options));
  }
  Result<Executed> execute(const session::Run& run, ProcessSpec spec, ExecuteOptions options = {}) {
    return sync_wait(home_, session::execute(engine_, run, std::move(spec), options));
  }
  static ProcessSpec spec(std::string description) {
    ProcessSpec spec;
    spec.argv = {"/bin/sh", "-c", description};
    spec.description = std::move(description);
    return spec;
  }

  rules::RuleSet built_in_rules() {
    rules::RuleSet set = intrinsics::tree_rules(rule_services_);
    set.add_all(intrinsics::process_rules(rule_services_));
    return set;
  }

  test::RecordingRunner runner_;
  intrinsics::OutputHub outputs_;
  intrinsics::HostTools tool_digests_;
  intrinsics::HostToolFunction tools_;
  intrinsics::WorkspaceWriter writer_;
  intrinsics::ChangeBell changes_;
  const intrinsics::RuleServices rule_services_;
  std::unique_ptr<const rules::RuleGraph> rules_;
  RunEvents events_;
  Engine engine_;
  Runs runs_;
};

}  // namespace kiln::session
