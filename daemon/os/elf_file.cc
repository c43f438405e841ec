#include "daemon/os/elf_file.h"

#include <gelf.h>
#include <libelf.h>

#include <memory>
#include <mutex>

namespace kiln::os {
namespace {

struct EndElf {
  void operator()(Elf* elf) const { ::elf_end(elf); }
};
using ElfPtr = std::unique_ptr<Elf, EndElf>;

// Far beyond what is real; a damaged file may ask for anything.
constexpr size_t kMostDynamicBytes = size_t{1} << 20;
constexpr size_t kMostNameBytes = size_t{64} << 10;

class Reader {
 public:
  explicit Reader(Elf* elf) : elf_(elf) {}

  std::optional<ElfFile> read() {
    GElf_Ehdr header;
    if (::elf_kind(elf_) != ELF_K_ELF || ::gelf_getehdr(elf_, &header) == nullptr) return {};
    file_.machine = header.e_machine;
    file_.is_64_bit = ::gelf_getclass(elf_) == ELFCLASS64;
    size_t count = 0;
    if (::elf_getphdrnum(elf_, &count) != 0) return {};
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (::gelf_getphdr(elf_, static_cast<int>(i), &segment) == nullptr) return {};
      segments_.push_back(segment);
    }
    for (const GElf_Phdr& segment : segments_) {
      if (segment.p_type == PT_INTERP) file_.interpreter = text_at(segment.p_offset);
      if (segment.p_type == PT_DYNAMIC) read_dynamic(segment);
    }
    return file_;
  }

 private:
  void read_dynamic(const GElf_Phdr& segment) {
    if (segment.p_filesz > kMostDynamicBytes) return;
    Elf_Data* data = ::elf_getdata_rawchunk(elf_, static_cast<int64_t>(segment.p_offset),
                                            segment.p_filesz, ELF_T_DYN);
    if (data == nullptr) return;
    std::vector<GElf_Dyn> entries;
    GElf_Dyn entry;
    for (int i = 0; ::gelf_getdyn(data, i, &entry) != nullptr && entry.d_tag != DT_NULL; ++i) {
      entries.push_back(entry);
    }
    std::optional<uint64_t> strings;  // where in the file
    for (const GElf_Dyn& dynamic : entries) {
      if (dynamic.d_tag == DT_STRTAB) strings = offset_of(dynamic.d_un.d_ptr);
      if (dynamic.d_tag == DT_FLAGS_1) {
        file_.no_default_directories = (dynamic.d_un.d_val & DF_1_NODEFLIB) != 0;
      }
    }
    if (!strings) return;
    for (const GElf_Dyn& dynamic : entries) {
      const auto text = [&] { return text_at(*strings + dynamic.d_un.d_val); };
      if (dynamic.d_tag == DT_NEEDED) file_.needed.push_back(text());
      if (dynamic.d_tag == DT_RPATH) file_.rpath = text();
      if (dynamic.d_tag == DT_RUNPATH) file_.runpath = text();
    }
  }

  std::optional<uint64_t> offset_of(uint64_t address) const {
    for (const GElf_Phdr& segment : segments_) {
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
          address - segment.p_vaddr < segment.p_filesz) {
        return address - segment.p_vaddr + segment.p_offset;
      }
    }
    return std::nullopt;
  }

  // The string that ends with a NUL byte; empty if there is none.
  std::string text_at(uint64_t offset) const {
    std::string text;
    // In pieces: a chunk that reaches beyond the end of the file is refused.
    for (size_t piece = 256; piece > 0 && text.size() < kMostNameBytes;) {
      const Elf_Data* data = ::elf_getdata_rawchunk(
          elf_, static_cast<int64_t>(offset + text.size()), piece, ELF_T_BYTE);
      if (data == nullptr) {
        piece /= 2;
        continue;
      }
      const std::string_view bytes(static_cast<const char*>(data->d_buf), data->d_size);
      const size_t end = bytes.find('\0');
      text += bytes.substr(0, end);
      if (end != std::string_view::npos) return text;
    }
    return {};
  }

  Elf* elf_;
  ElfFile file_;
  std::vector<GElf_Phdr> segments_;
};

std::optional<ElfFile> read(ElfPtr elf) {
  if (elf == nullptr) return std::nullopt;
  return Reader(elf.get()).read();
}

void choose_version() {
  static std::once_flag once;
  std::call_once(once, [] { (void)::elf_version(EV_CURRENT); });
}

}  // namespace

std::optional<ElfFile> read_elf(int fd) {
  choose_version();
  // Reads instead of mapping: a file that is cut short meanwhile must not be a SIGBUS.
  return read(ElfPtr(::elf_begin(fd, ELF_C_READ, nullptr)));
}

std::optional<ElfFile> read_elf(std::string_view content) {
  choose_version();
  std::string copy(content);  // libelf may convert in place
  return read(ElfPtr(::elf_memory(copy.data(), copy.size())));
}

}  // namespace kiln::os
