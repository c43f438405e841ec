// How kiln's commands end, in the words of their help.
#pragma once

#include <string_view>

namespace kiln {

struct ExitCode {
  std::string_view code;  // "124"; also "128+N" and "other"
  std::string_view meaning;
};

inline constexpr ExitCode kDone = {"0", "done"};
inline constexpr ExitCode kAnswerIsNo = {"1", "the answer is no, as when lint finds something"};
inline constexpr ExitCode kWrongCommandLine = {"2", "the command line is wrong"};
inline constexpr ExitCode kProcessTimedOut = {"124", "the process timed out"};
inline constexpr ExitCode kKilnFailed = {"125",
                                         "kiln, or something that the request needs, failed"};
inline constexpr ExitCode kProcessCannotRun = {"126", "the command cannot be executed"};
inline constexpr ExitCode kProcessNotFound = {"127", "the command was not found"};
inline constexpr ExitCode kEndedBySignal = {"128+N", "ended by signal N"};
inline constexpr ExitCode kThatOfProcess = {"other", "of exec: that of the process"};

}  // namespace kiln
