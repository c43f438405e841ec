// Console: everything a person or a script sees of a command.
//
// What:   data on stdout, talk on stderr. On a terminal there may be live lines at the bottom of
//         stderr, which step aside for whatever else is written. Without a terminal, and on one
//         that is dumb (TERM=dumb, or no TERM), nothing written here holds a control character.
// Threads: single-owner.
// Cancels: writing to a reader that does not read ends with `cancelled` when interrupted.
// Fails:   write_stdout() when the data is lost, as into a full disk or a closed descriptor. Of a
//          reader that went away nothing is said (stdout_is_gone()): it knows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/interrupt.h"
#include "common/base/result.h"

namespace kiln {

enum class ColorMode { kAuto, kAlways, kNever };
enum class ProgressMode { kAuto, kPlain, kNone };
// What is said, each with all before it. From kDebug on errors show the computations they came
// through.
enum class TalkLevel { kError, kWarn, kInfo, kDebug, kTrace };

class Console {
 public:
  explicit Console(Interrupt& interrupt);
  void set_modes(ColorMode color, ProgressMode progress);
  void set_level(TalkLevel level) { level_ = level; }

  bool stdout_is_terminal() const { return stdout_is_terminal_; }
  // Whether live lines are shown; whether results of what ran are told; whether the end of many is.
  bool live() const { return cursor_moves_ && progress_ == ProgressMode::kAuto; }
  bool tells_results() const {
    return progress_ == ProgressMode::kPlain ||
           (stderr_is_terminal_ && progress_ == ProgressMode::kAuto);
  }
  bool tells_summaries() const { return progress_ != ProgressMode::kNone; }
  // How many live lines there is room for.
  size_t live_rows() const;
  // Whether the reader of standard output has closed it: EPIPE, where SIGPIPE is ignored.
  bool stdout_is_gone() const { return stdout_is_gone_; }

  // Bytes as they are.
  Result<void> write_stdout(std::string_view bytes);
  Result<void> write_stderr(std::string_view bytes);

  // "kiln: message", if the level is not below.
  void say(std::string_view message);
  void say_warning(std::string_view message);
  void say_error(const Error& error);
  // One line of result; `good` chooses its colour. Here and in the live lines control characters,
  // which a description may hold, are escaped.
  void say_result(bool good, std::string_view line);

  // The live lines, instead of those before; clipped to the terminal.
  void show_status(std::span<const std::string> lines);
  void clear_status();

 private:
  std::string clearing_status() const;
  Result<void> write(int fd, std::string_view bytes, const char* name);
  void say_colored(const char* color, std::string_view head, std::string_view message);

  Interrupt& interrupt_;
  bool stdout_is_terminal_;
  bool stderr_is_terminal_;
  bool cursor_moves_;  // stderr is a terminal that knows control characters
  bool stdout_is_gone_ = false;
  bool color_ = false;
  ProgressMode progress_ = ProgressMode::kAuto;
  TalkLevel level_ = TalkLevel::kInfo;
  size_t status_rows_ = 0;     // shown now
  bool at_line_start_ = true;  // of the terminal, as far as we wrote
};

}  // namespace kiln
