// Messages of kiln.v1 to the daemon's types and back; what is malformed is refused here.
#pragma once

#include <optional>

#include "common/base/result.h"
#include "common/types/digest.h"
#include "daemon/session/captures.h"
#include "daemon/session/executions.h"
#include "daemon/session/key_explanation.h"
#include "daemon/session/root_params.h"
#include "daemon/store/tree.h"
#include "daemon/trace/events.h"
#include "kiln/v1/common.pb.h"
#include "kiln/v1/digests.pb.h"
#include "kiln/v1/events.pb.h"
#include "kiln/v1/processes.pb.h"

namespace kiln::service {

// `what` names the field in the error. An absent message is an error, not the empty digest.
Result<Digest> digest_from(const v1::Digest& wire, std::string_view what);
Result<FileDigest> file_digest_from(const v1::Digest& wire, std::string_view what);
template <class Tag>
void set_digest(const BasicDigest<Tag>& digest, v1::Digest& wire) {
  wire.set_hash(to_hex(digest.hash));
  wire.set_size_bytes(digest.size);
}

Result<session::PathGlobs> globs_from(const v1::PathGlobs& wire);
void set_entry(const RelPath& path, const store::Node& node, v1::TreeEntry& wire);

// What a caller says for goals and queries, but for the specs.
session::CallerOptions options_from(const v1::Caller& wire);
session::RootRequest root_from(const v1::Caller& wire);

Result<session::ProcessSpec> process_from(const v1::Process& wire);
exec::KeepSandboxes keep_from(v1::KeepSandboxes wire);
// Of an ExecuteRequest, or of the first ExecuteBatchRequest of a stream.
template <class Request>
session::WriteOutputs write_outputs_from(const Request& wire) {
  if (!wire.write_outputs()) return session::WriteOutputs::kNever;
  return wire.write_failed_outputs() ? session::WriteOutputs::kAlways
                                     : session::WriteOutputs::kOnSuccess;
}
// Nothing: no events are asked for.
Result<std::optional<trace::Level>> level_from(v1::Event::Level wire);
void set_event(const trace::Event& event, v1::Event& wire);
void set_result(const session::Executed& executed, v1::ProcessResult& wire);
void set_explanation(const session::KeyExplanation& explanation, v1::KeyExplanation& wire);

}  // namespace kiln::service
