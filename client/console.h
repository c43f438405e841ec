// Console: everything a person or a script sees of a command.
//
// What:   data on stdout, talk on stderr. On a terminal there may be one live line at the bottom of
//         stderr, which steps aside for whatever else is written. Without a terminal nothing
//         written here holds a control character.
// Threads: single-owner.
// Cancels: writing to a reader that does not read ends with `cancelled` when interrupted.
#pragma once

#include <string>
#include <string_view>

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
  // Whether the live line is shown; whether results of what ran are told.
  bool live() const { return stderr_is_terminal_ && progress_ == ProgressMode::kAuto; }
  bool tells_results() const { return live() || progress_ == ProgressMode::kPlain; }

  // Bytes as they are.
  Result<void> write_stdout(std::string_view bytes);
  Result<void> write_stderr(std::string_view bytes);

  // "kiln: message", if the level is not below.
  void say(std::string_view message);
  void say_warning(std::string_view message);
  void say_error(const Error& error);
  // One line of result; `good` chooses its colour. Here and in the live line control characters,
  // which a description may hold, are escaped.
  void say_result(bool good, std::string_view line);

  void show_status(std::string_view line);
  void clear_status();

 private:
  Result<void> write(int fd, std::string_view bytes, const char* name);
  void say_colored(const char* color, std::string_view head, std::string_view message);

  Interrupt& interrupt_;
  bool stdout_is_terminal_;
  bool stderr_is_terminal_;
  bool color_ = false;
  ProgressMode progress_ = ProgressMode::kAuto;
  TalkLevel level_ = TalkLevel::kInfo;
  bool status_shown_ = false;
  bool at_line_start_ = true;  // of the terminal, as far as we wrote
};

}  // namespace kiln
