#include "tests/unit/client/fake_daemon.h"

#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include "common/ipc/wire_error.h"

namespace kiln {

namespace {

constexpr const char* kSomeHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

grpc::Status status_of(const Error& error) {
  return {static_cast<grpc::StatusCode>(grpc_status_code(error.code())), error.message(),
          to_status_details(error, error.message())};
}

void set_digest(v1::Digest* digest, size_t size) {
  digest->set_hash(kSomeHash);
  digest->set_size_bytes(static_cast<int64_t>(size));
}

std::string words(const v1::Process& process) {
  std::string text;
  for (int i = 1; i < process.argv_size(); ++i) text += (i > 1 ? " " : "") + process.argv(i);
  return text + "\n";
}

}  // namespace

class FakeDaemon::Processes final : public v1::Processes::Service {
 public:
  Processes(FakeDaemon& fake, std::string version) : fake_(fake), version_(std::move(version)) {}

  grpc::Status Execute(grpc::ServerContext* context, const v1::ExecuteRequest* request,
                       grpc::ServerWriter<v1::ExecuteEvent>* writer) override {
    if (request->caller().client_version() != version_) {
      return status_of(user_error(ErrorCode::kVersionSkew, "this daemon is " + version_));
    }
    const auto& argv = request->process().argv();
    const std::string what = argv.empty() ? "" : argv[0];
    if (what == "die") ::_exit(9);
    if (what == "fail") {
      return status_of(user_error(static_cast<ErrorCode>(std::stoi(argv[1])), argv[2])
                           .with_context("while doing as it was told"));
    }
    v1::ExecuteEvent event;
    event.mutable_started()->set_sandbox_path("/nowhere");
    writer->Write(event);
    if (what == "hang") {
      write_output("hanging\n", *writer);
      ++fake_.hangs;
      while (!context->IsCancelled()) std::this_thread::yield();
      ++fake_.hangs_cancelled;
      return grpc::Status::CANCELLED;
    }
    size_t size = 0;
    if (what == "echo") size = write_output(words(request->process()), *writer);
    if (what == "big") size = write_big(std::stoul(argv[1]), *writer);
    v1::ProcessResult& result = *event.mutable_finished();
    if (what == "exit") result.set_exit_code(std::stoi(argv[1]));
    fill(result, size);
    writer->Write(event);
    return grpc::Status::OK;
  }

  grpc::Status ExecuteBatch(grpc::ServerContext*,
                            grpc::ServerReaderWriter<v1::ExecuteBatchResponse,
                                                     v1::ExecuteBatchRequest>* stream) override {
    v1::ExecuteBatchRequest request;
    while (stream->Read(&request)) {
      v1::ExecuteBatchResponse response;
      response.set_id(request.id());
      const std::string what = request.process().argv(0);
      if (what == "fail") {
        to_wire(user_error(ErrorCode::kCommandNotFound, "no such command"),
                *response.mutable_error());
      } else {
        if (what == "exit") {
          response.mutable_result()->set_exit_code(std::stoi(request.process().argv(1)));
        }
        response.set_stdout(what == "echo" ? words(request.process()) : "");
        fill(*response.mutable_result(), response.stdout().size());
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  static void fill(v1::ProcessResult& result, size_t stdout_size) {
    set_digest(result.mutable_stdout_digest(), stdout_size);
    set_digest(result.mutable_stderr_digest(), 0);
    set_digest(result.mutable_output_digest(), 0);
    set_digest(result.mutable_action_digest(), 77);
    result.set_source(v1::ProcessResult::MEMOIZED);
    result.set_wall_seconds(0.25);
  }

  static size_t write_output(const std::string& bytes,
                             grpc::ServerWriter<v1::ExecuteEvent>& writer) {
    v1::ExecuteEvent event;
    event.mutable_output()->set_stream(v1::ProcessOutput::STDOUT);
    event.mutable_output()->set_data(bytes);
    return writer.Write(event) ? bytes.size() : 0;
  }

  static size_t write_big(size_t size, grpc::ServerWriter<v1::ExecuteEvent>& writer) {
    constexpr size_t kPiece = 65536;
    for (size_t sent = 0; sent < size; sent += kPiece) {
      if (write_output(std::string(std::min(kPiece, size - sent), 'x'), writer) == 0) return sent;
    }
    return size;
  }

  FakeDaemon& fake_;
  const std::string version_;
};

class FakeDaemon::Digests final : public v1::Digests::Service {
 public:
  explicit Digests(FakeDaemon& fake) : fake_(fake) {}

  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadRequest>* reader,
                      v1::UploadResponse* response) override {
    size_t size = 0;
    v1::UploadRequest request;
    while (reader->Read(&request)) size += request.data().size();
    set_digest(response->mutable_file_digest(), size);
    return grpc::Status::OK;
  }

  grpc::Status Create(grpc::ServerContext*, const v1::CreateRequest* request,
                      v1::DigestResponse* response) override {
    set_digest(response->mutable_digest(), static_cast<size_t>(request->entries_size()));
    return grpc::Status::OK;
  }

  grpc::Status ReadFile(grpc::ServerContext*, const v1::ReadFileRequest* request,
                        grpc::ServerWriter<v1::ReadFileResponse>* writer) override {
    v1::ReadFileResponse response;
    response.set_data(std::string(65536, '\0'));
    for (int64_t left = request->digest().size_bytes(); left > 0; left -= 65536) {
      if (left < 65536) response.set_data(std::string(static_cast<size_t>(left), '\0'));
      if (!writer->Write(response)) return grpc::Status::CANCELLED;
      fake_.bytes_read += response.data().size();
    }
    return grpc::Status::OK;
  }

  grpc::Status Diff(grpc::ServerContext*, const v1::DiffRequest* request,
                    grpc::ServerWriter<v1::DiffResponse>* writer) override {
    if (request->left().size_bytes() == request->right().size_bytes()) return grpc::Status::OK;
    v1::DiffResponse response;
    response.add_changes()->mutable_left()->set_path("gone");
    response.add_changes()->mutable_right()->set_path("new");
    writer->Write(response);
    return grpc::Status::OK;
  }

 private:
  FakeDaemon& fake_;
};

class FakeDaemon::Goals final : public v1::Goals::Service {
 public:
  grpc::Status List(grpc::ServerContext*, const v1::ListGoalsRequest*,
                    v1::ListGoalsResponse* response) override {
    for (const auto& [name, summary] :
         {std::pair("greet", "Greets everybody."), std::pair("lint", "Run linters."),
          std::pair("list", "List files.")}) {
      v1::ListGoalsResponse::Goal& goal = *response->add_goals();
      goal.set_name(name);
      goal.set_summary(summary);
    }
    return grpc::Status::OK;
  }

  grpc::Status Run(grpc::ServerContext*, const v1::RunGoalsRequest* request,
                   grpc::ServerWriter<v1::GoalEvent>* writer) override {
    v1::GoalEvent event;
    std::string& out = *event.mutable_output()->mutable_stdout();
    for (const std::string& goal : request->goals()) out += "goal " + goal + "\n";
    for (const std::string& spec : request->specs()) out += "spec " + spec + "\n";
    event.mutable_output()->set_stderr("✓ good.\n✗ bad.\nwarning: odd\ntalk\n");
    writer->Write(event);
    event.mutable_finished()->set_exit_code(0);
    writer->Write(event);
    return grpc::Status::OK;
  }
};

class FakeDaemon::Daemon final : public v1::Daemon::Service {
 public:
  explicit Daemon(std::string version) : version_(std::move(version)) {}

  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*,
                      v1::StatusResponse* response) override {
    response->set_pid(::getpid());
    response->set_version(version_);
    (*response->mutable_counters())["process.ran"] = 3;
    return grpc::Status::OK;
  }

  grpc::Status Stop(grpc::ServerContext*, const v1::StopRequest*,
                    v1::StopResponse* response) override {
    response->set_pid(::getpid());
    stopped_.set_value();
    return grpc::Status::OK;
  }

  void wait_for_stop() { stopped_.get_future().wait(); }

 private:
  const std::string version_;
  std::promise<void> stopped_;
};

FakeDaemon::FakeDaemon(const std::string& socket, std::string version)
    : processes_(std::make_unique<Processes>(*this, version)),
      digests_(std::make_unique<Digests>(*this)),
      goals_(std::make_unique<Goals>()),
      daemon_(std::make_unique<Daemon>(version)) {
  grpc::ServerBuilder builder;
  // A thread of the synchronous server that misses its wake-up sleeps for this long; by default ten
  // seconds.
  builder.SetSyncServerOption(grpc::ServerBuilder::CQ_TIMEOUT_MSEC, 100);
  builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
  builder.RegisterService(processes_.get());
  builder.RegisterService(digests_.get());
  builder.RegisterService(goals_.get());
  builder.RegisterService(daemon_.get());
  server_ = builder.BuildAndStart();
}

FakeDaemon::~FakeDaemon() { shutdown(); }

void FakeDaemon::shutdown() {
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
}

void FakeDaemon::wait_for_stop() { daemon_->wait_for_stop(); }

}  // namespace kiln
