// BatchCall: a stream of processes in, a stream of results out, as each ends.
//
// Model:   works on at most `kMaxInFlight` requests while the client takes its results, and reads
//          one more, which may cancel one of them: neither side can make the daemon grow.
// Owns:    itself until OnDone(); its run, of which the run of each process is a part.
// Threads: reactor callbacks from gRPC's threads; processes on the executor; state_ joins them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "common/base/sync.h"
#include "daemon/service/event_channel.h"
#include "daemon/service/host.h"
#include "daemon/service/write_queue.h"
#include "kiln/v1/processes.grpc.pb.h"

namespace kiln::service {

class BatchCall final
    : public grpc::ServerBidiReactor<v1::ExecuteBatchRequest, v1::ExecuteBatchResponse> {
 public:
  BatchCall(const Host& host, grpc::CallbackServerContext& context);

 private:
  static constexpr size_t kMaxInFlight = 256;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { queue_.written(ok); }
  void OnCancel() override;
  void OnDone() override { delete this; }

  // The run; begun at the first message.
  Result<std::shared_ptr<session::Run>> prepare(const v1::ExecuteBatchRequest& request);
  // Tells the client what happens, if it asked to be told.
  Result<void> tell(const session::Run& run, v1::Event::Level level);
  Task<void> send_events(std::shared_ptr<Telling> telling);
  // Begins to work on `request`. Before the next read: what is read next may cancel it.
  void begin_work(std::shared_ptr<session::Run> run, v1::ExecuteBatchRequest request);
  Task<void> work(std::shared_ptr<session::Run> run, std::shared_ptr<session::Run> part,
                  v1::ExecuteBatchRequest request);
  void forget_item(uint64_t id, const std::shared_ptr<session::Run>& item);
  void cancel_item(uint64_t id);
  Task<Result<void>> answer(const session::Run& run, const v1::ExecuteBatchRequest& request,
                            v1::ExecuteBatchResponse& response);
  void stop_reading(std::optional<Error> refusal);
  // One of the parts that keep the call open ended: the reader, a process, the teller.
  void part_ended();

  struct State {
    size_t in_flight = 0;                         // processes; the teller, too
    bool reading = true;                          // a read is outstanding or will be
    std::optional<v1::ExecuteBatchRequest> held;  // one too many; no read is outstanding
    std::multimap<uint64_t, std::shared_ptr<session::Run>> items;  // by id, in flight
    std::optional<Error> refusal;       // the call could not begin, or go on
    bool gone = false;                  // the client; maybe before its first message
    std::shared_ptr<Telling> telling;   // while the teller is at work
    std::shared_ptr<session::Run> run;  // from the first message to the end
  };

  const Host& host_;
  grpc::CallbackServerContext& context_;
  v1::ExecuteBatchRequest message_;  // the reader's
  // Set by the first read, before any work.
  v1::KeepSandboxes keep_ = v1::NEVER;
  session::WriteOutputs write_outputs_ = session::WriteOutputs::kNever;
  // The stream itself uses no file, and may be open for days. It goes before the run.
  std::optional<session::Run::Away> away_;
  Synchronized<State> state_;
  WriteQueue<v1::ExecuteBatchResponse> queue_;
  std::optional<OnRunCancelled> cancelled_;
};

}  // namespace kiln::service
