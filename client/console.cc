#include "client/console.h"

#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "common/base/file.h"
#include "common/types/rel_path.h"

namespace kiln {

namespace {

constexpr const char* kRed = "\x1b[31m";
constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kYellow = "\x1b[33m";
constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kClearLine = "\r\x1b[K";
constexpr std::string_view kClearLineAbove = "\x1b[A\x1b[K";
constexpr size_t kMostLiveRows = 16;

// A terminal that knows no control characters, such as the shell of Emacs (terminfo(5), "dumb").
bool is_dumb() {
  const char* term = ::getenv("TERM");
  return term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
}

bool color_wanted(ColorMode mode, bool terminal) {
  if (mode != ColorMode::kAuto) return mode == ColorMode::kAlways;
  const char* no_color = ::getenv("NO_COLOR");
  return terminal && (no_color == nullptr || *no_color == '\0');
}

bool is_regular_file(int fd) {
  struct stat st;
  return ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

winsize terminal_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) size = {};
  if (size.ws_col == 0) size.ws_col = 80;
  if (size.ws_row == 0) size.ws_row = 24;
  return size;
}

// At most `columns` characters of UTF-8 text.
std::string_view clipped(std::string_view text, size_t columns) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (begins && ++characters > columns) return text.substr(0, i);
  }
  return text;
}

// The error without the frames that the engine put there, which mean nothing to those who use it.
Error without_trace(const Error& error) {
  Error out(error.code(), error.blame(), error.message());
  for (const std::string& frame : error.context()) {
    if (!frame.starts_with("while computing ")) out = out.with_context(frame);
  }
  return out;
}

}  // namespace

Console::Console(Interrupt& interrupt)
    : interrupt_(interrupt),
      stdout_is_terminal_(::isatty(STDOUT_FILENO) != 0),
      stderr_is_terminal_(::isatty(STDERR_FILENO) != 0),
      cursor_moves_(stderr_is_terminal_ && !is_dumb()) {
  set_modes(ColorMode::kAuto, ProgressMode::kAuto);
}

void Console::set_modes(ColorMode color, ProgressMode progress) {
  color_ = color_wanted(color, cursor_moves_);
  progress_ = progress;
}

Result<void> Console::write_stdout(std::string_view bytes) {
  if (bytes.empty()) return {};
  // Elsewhere the data does not meet the live lines.
  if (stdout_is_terminal_) {
    clear_status();
    at_line_start_ = bytes.back() == '\n';
  }
  return write(STDOUT_FILENO, bytes, "standard output");
}

Result<void> Console::write_stderr(std::string_view bytes) {
  if (bytes.empty()) return {};
  clear_status();
  if (stderr_is_terminal_) at_line_start_ = bytes.back() == '\n';
  return write(STDERR_FILENO, bytes, "standard error");
}

// A pipe or terminal whose reader is slow is waited for together with the interrupt, in pieces
// that a ready pipe takes whole; a file is always ready.
Result<void> Console::write(int fd, std::string_view bytes, const char* name) {
  if (is_regular_file(fd)) return write_all(fd, bytes, name);
  while (!bytes.empty()) {
    std::array<pollfd, 2> fds = {pollfd{fd, POLLOUT, 0}, pollfd{interrupt_.fd(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return os_error(errno, "wait for " + std::string(name));
    }
    if (fds[1].revents != 0 && interrupt_.take()) return interrupted_error();
    if (fds[0].revents == 0) continue;
    const ssize_t n = ::write(fd, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      stdout_is_gone_ |= errno == EPIPE && fd == STDOUT_FILENO;
      return os_error(errno, "write " + std::string(name));
    }
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

void Console::say_colored(const char* color, std::string_view head, std::string_view message) {
  clear_status();
  std::string text;
  if (!at_line_start_ && stderr_is_terminal_) text += '\n';
  if (color_) text += color;
  text += head;
  if (color_) text += kReset;
  text += message;
  text += '\n';
  at_line_start_ = true;
  // There is nobody to tell when this fails.
  (void)write_all(STDERR_FILENO, text, "standard error");
}

void Console::say(std::string_view message) {
  if (level_ >= TalkLevel::kInfo) say_colored("", "kiln: ", message);
}

void Console::say_warning(std::string_view message) {
  if (level_ >= TalkLevel::kWarn) say_colored(kYellow, "kiln: warning: ", message);
}

void Console::say_error(const Error& error) {
  const bool traced = error.blame() == Blame::kBug || level_ >= TalkLevel::kDebug;
  say_colored(kRed, "kiln: ", traced ? error.to_string() : without_trace(error).to_string());
}

void Console::say_result(bool good, std::string_view line) {
  say_colored(good ? kGreen : kRed, good ? "✓ " : "✗ ", printable(line));
}

size_t Console::live_rows() const {
  // A line of the terminal stays for what was there before.
  return std::clamp<size_t>(terminal_size().ws_row - 1, 1, kMostLiveRows);
}

void Console::show_status(std::span<const std::string> lines) {
  if (!live() || (!at_line_start_ && status_rows_ == 0)) return;
  const size_t columns = terminal_size().ws_col - 1U;
  std::string text = clearing_status();
  status_rows_ = std::min(lines.size(), live_rows());
  for (size_t i = 0; i < status_rows_; ++i) {
    if (i != 0) text += '\n';
    text += clipped(printable(lines[i]), columns);
  }
  (void)write_all(STDERR_FILENO, text, "standard error");
}

void Console::clear_status() {
  if (status_rows_ == 0) return;
  const std::string text = clearing_status();
  status_rows_ = 0;
  (void)write_all(STDERR_FILENO, text, "standard error");
}

// What takes the live lines away.
std::string Console::clearing_status() const {
  if (status_rows_ == 0) return "";
  std::string text(kClearLine);
  for (size_t row = 1; row < status_rows_; ++row) text += kClearLineAbove;
  return text;
}

}  // namespace kiln
