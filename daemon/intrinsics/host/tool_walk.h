// ToolWalk: from a command to all that decides what it does, as far as that can be known.
//
// What:    a script leads to its interpreters (`#!`, and what `env` finds in PATH), a program to
//          its loader and libraries, a Python interpreter to what is installed for it, a launcher
//          to what it may start.
// Threads: single-owner.
// Fails:   what is there and cannot be read.
#pragma once

#include <string>

#include "daemon/intrinsics/host/tool_parts.h"

namespace kiln::intrinsics {

class ToolWalk {
 public:
  ToolWalk(HostLookup& host, const ToolEnvironment& environment)
      : host_(host), environment_(environment) {}

  // A program of the host, which is there.
  Task<Result<void>> add_program(ToolParts::Kind kind, std::string path, HostLookup::Found found);
  // A program among the inputs: what it needs of the host.
  Task<Result<void>> add_input(const FileDigest& content);
  // The database of the packages that the system consists of.
  Task<Result<void>> add_packages();

  std::vector<exec::ToolComponent> take() { return parts_.take(); }

 private:
  using Kind = ToolParts::Kind;

  Task<Result<void>> add_if_there(Kind kind, std::string path);
  Task<Result<void>> add_interpreters(std::string_view script);
  Task<Result<void>> add_from_path(Kind kind, const std::string& command, std::string_view path);
  std::string_view search_path() const;

  HostLookup& host_;
  const ToolEnvironment& environment_;
  ToolParts parts_;
  int depth_ = 0;
};

}  // namespace kiln::intrinsics
