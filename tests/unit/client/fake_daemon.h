// FakeDaemon: kiln.v1 spoken by grpc++ on a Unix socket, with answers that a test can foresee.
//
// What:   Processes.Execute acts out its argv instead of running it:
//           echo WORD...       the words on stdout, exit 0
//           big BYTES          so many bytes on stdout in 64 KiB events
//           exit CODE          ends with this code (negative: by a signal)
//           fail CODE MESSAGE  the call ends with this kiln error code
//           hang               "hanging" on stdout, then nothing until the call is cancelled;
//                              hangs grows, then hangs_cancelled
//           die                ends the fake daemon's process at once
//         ExecuteBatch does the same for each request; Upload hashes nothing but counts; ReadFile
//         sends zeros; Goals knows list, lint and greet, and running them prints the request and a
//         line of each kind; every other call answers with an empty message.
// Threads: thread-safe; grpc++ calls it on its own threads.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>

#include "kiln/v1/daemon.grpc.pb.h"
#include "kiln/v1/digests.grpc.pb.h"
#include "kiln/v1/goals.grpc.pb.h"
#include "kiln/v1/processes.grpc.pb.h"

namespace kiln {

class FakeDaemon {
 public:
  // Listens at `socket`. Requests of a client of another version are refused.
  FakeDaemon(const std::string& socket, std::string version);
  ~FakeDaemon();

  void shutdown();
  // Until a client calls Daemon.Stop.
  void wait_for_stop();

  std::atomic<int> hangs = 0;
  std::atomic<int> hangs_cancelled = 0;
  std::atomic<size_t> bytes_read = 0;  // written by ReadFile

 private:
  class Processes;
  class Digests;
  class Goals;
  class Daemon;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Digests> digests_;
  std::unique_ptr<Goals> goals_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace kiln
