#include "daemon/confine/syscall_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kiln::confine {
namespace {

using Program = std::vector<sock_filter>;

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t refuse_with(int error) {
  return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error);
}

void load(Program& program, uint32_t offset) {
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

// If the loaded value is `value`, the answer is `answer`.
void answer_if(Program& program, uint32_t value, uint32_t answer) {
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, answer));
}

void answer(Program& program, uint32_t value) {
  program.push_back(BPF_STMT(BPF_RET | BPF_K, value));
}

// If the loaded value is `value`, `then` decides: it answers in every case.
void decide_if(Program& program, uint32_t value, const Program& then) {
  program.push_back(
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<uint8_t>(then.size())));
  program.insert(program.end(), then.begin(), then.end());
}

// The numbers of system calls of one architecture.
struct Numbers {
  uint32_t socket;
  uint32_t keyctl;
  uint32_t add_key;
  uint32_t request_key;
};
constexpr uint32_t kIoUringSetup = 425;  // the same everywhere

Program by_family() {
  Program program;
  load(program, offsetof(seccomp_data, args[0]));  // the low half: x86 and ARM are little-endian
  for (const uint32_t family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_ALG}) {
    answer_if(program, family, kAllow);
  }
  answer(program, refuse_with(EAFNOSUPPORT));
  return program;
}

Program by_number(const Numbers& numbers) {
  Program program;
  load(program, offsetof(seccomp_data, nr));
  for (const uint32_t number :
       {numbers.keyctl, numbers.add_key, numbers.request_key, kIoUringSetup}) {
    answer_if(program, number, refuse_with(ENOSYS));
  }
  decide_if(program, numbers.socket, by_family());
#if defined(__x86_64__)
  // Numbers of the x32 ABI have this bit.
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
  answer(program, refuse_with(ENOSYS));
#endif
  answer(program, kAllow);
  return program;
}

Program make_program() {
  Program program;
  load(program, offsetof(seccomp_data, arch));
  constexpr Numbers kNative{.socket = SYS_socket,
                            .keyctl = SYS_keyctl,
                            .add_key = SYS_add_key,
                            .request_key = SYS_request_key};
#if defined(__x86_64__)
  decide_if(program, AUDIT_ARCH_X86_64, by_number(kNative));
  // 32-bit programs. socketcall(2), whose arguments a filter cannot see, is refused.
  constexpr Numbers kI386{.socket = 359, .keyctl = 288, .add_key = 286, .request_key = 287};
  constexpr uint32_t kI386Socketcall = 102;
  Program i386 = by_number(kI386);
  Program socketcall;
  answer_if(socketcall, kI386Socketcall, refuse_with(ENOSYS));
  i386.insert(i386.begin() + 1, socketcall.begin(), socketcall.end());
  decide_if(program, AUDIT_ARCH_I386, i386);
#elif defined(__aarch64__)
  decide_if(program, AUDIT_ARCH_AARCH64, by_number(kNative));
#else
#error "the system calls of this architecture are not listed here"
#endif
  answer(program, refuse_with(ENOSYS));  // another ABI
  return program;
}

}  // namespace

Result<void> filter_this_thread() {
  Program program = make_program();
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return os_error(errno, "set no_new_privs");
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    return os_error(errno, "install a filter of system calls");
  }
  return {};
}

}  // namespace kiln::confine
