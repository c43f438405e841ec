// The one error vocabulary of kiln.
//
// What:   `Error` says what went wrong (code), whose move it is (blame), and tells it to a person
//         (message, then the context it passed through, outermost last).
//         One pointer wide, since every Result has room for one.
// Threads: immutable; cheap to copy (one reference count), so one error can reach many waiters.
//
// The numbers of `ErrorCode` are those of `kiln.v1.ErrorCode` in proto/kiln/v1/common.proto, and
// this header holds the only mapping to gRPC status codes and to exit codes of the client.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kiln {

enum class ErrorCode : int {
  kInvalidArgument = 1,        // the request itself is wrong: an option, a path, a glob
  kNotFound = 2,               // a file, digest, workspace or run that does not exist
  kAlreadyExists = 3,          // something stands where something else should be made
  kFailedPrecondition = 4,     // right request, wrong state: version skew, not a directory
  kPermissionDenied = 5,       // the operating system refused
  kConflict = 6,               // two sides disagree: merge conflicts
  kCancelled = 7,              // nobody wants the answer any more
  kTimedOut = 8,               // a deadline passed
  kResourceExhausted = 9,      // disk full, too many files, a limit named in the message
  kDataLoss = 10,              // stored bytes are damaged; never served
  kUnavailable = 11,           // the daemon or a service cannot be reached now
  kUnsupported = 12,           // kiln does not do this
  kCommandNotFound = 13,       // a process whose command does not exist
  kCommandNotExecutable = 14,  // a process whose command cannot be executed
  kCycle = 15,                 // computations that wait for one another
  kInternal = 16,              // a bug in kiln
  kVersionSkew = 17,           // client and daemon are of different versions
};

// Whose move it is. A user error says what to do; a bug says how to report it.
enum class Blame : int { kUser = 1, kEnvironment = 2, kBug = 3 };

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, Blame blame, std::string message);

  ErrorCode code() const { return rep_->code; }
  Blame blame() const { return rep_->blame; }
  // One sentence or a few lines, no trailing newline.
  const std::string& message() const { return rep_->message; }
  // "while …" frames, innermost first.
  const std::vector<std::string>& context() const { return rep_->context; }

  // The same error, seen from one frame further out.
  Error with_context(std::string frame) const;
  // The message with its context, as it is shown to a person.
  std::string to_string() const;

 private:
  struct Rep : boost::intrusive_ref_counter<Rep, boost::thread_safe_counter> {
    ErrorCode code;
    Blame blame;
    std::string message;
    std::vector<std::string> context;

    Rep(ErrorCode the_code, Blame the_blame, std::string the_message)
        : code(the_code), blame(the_blame), message(std::move(the_message)) {}
  };
  explicit Error(boost::intrusive_ptr<const Rep> rep) : rep_(std::move(rep)) {}
  boost::intrusive_ptr<const Rep> rep_;
};

// Errors at birth, by blame.
Error user_error(ErrorCode code, std::string message);
Error environment_error(ErrorCode code, std::string message);
Error internal_error(std::string message);
// From `errno`: "cannot WHAT: No space left on device". The code follows from the number.
Error os_error(int errno_value, std::string_view what);

std::string_view error_code_name(ErrorCode code);
// The numeric grpc::StatusCode (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).
int grpc_status_code(ErrorCode code);
// What `kiln` exits with when a command ends in this error (cli.md: 2, 124 to 127, 125, 130).
int exit_code(ErrorCode code, Blame blame);

}  // namespace kiln
