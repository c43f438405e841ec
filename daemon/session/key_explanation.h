// KeyExplanation: what the key of a process is made of, one component after another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/session/engine.h"
#include "daemon/session/process_spec.h"
#include "daemon/session/root_params.h"
#include "daemon/session/run.h"

namespace kiln::session {

struct KeyComponent {
  std::string kind;  // as kiln.v1.KeyComponent lists them
  std::string name;
  std::string value;
  std::optional<FileDigest> digest;  // instead of a value
};

struct KeyExplanation {
  Digest action;
  std::vector<KeyComponent> components;
  std::vector<std::string> warnings;
};

// Captures the inputs and finds the tool, and runs nothing.
Task<Result<KeyExplanation>> explain_key(const Engine& engine, const Run& run, ProcessSpec spec);

}  // namespace kiln::session
