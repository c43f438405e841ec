// ElfFile: what a program or a library of this kind says about what is loaded with it.
//
// Source:  elf(5), the System V gABI's dynamic section; read with elfutils' libelf.
// Threads: stateless. Blocking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::os {

struct ElfFile {
  uint16_t machine = 0;  // e_machine
  bool is_64_bit = false;
  std::string interpreter;          // PT_INTERP; empty: a library, or linked statically
  std::vector<std::string> needed;  // DT_NEEDED
  std::string rpath;                // DT_RPATH and DT_RUNPATH as they stand: "$ORIGIN/../lib:/opt"
  std::string runpath;
  bool no_default_directories = false;  // DF_1_NODEFLIB

  // Whether the loader would put both into one process.
  bool fits(const ElfFile& other) const {
    return machine == other.machine && is_64_bit == other.is_64_bit;
  }
};

// Nothing if it is no ELF file, or a damaged one.
std::optional<ElfFile> read_elf(int fd);
std::optional<ElfFile> read_elf(std::string_view content);

}  // namespace kiln::os
