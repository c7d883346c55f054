#include "kernel/gate.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace tcpaccept::kernel {
namespace {

// Where struct pt_regs keeps the first three arguments of a function (arch/*/include/uapi/asm/ptrace.h).
#if defined(__x86_64__)
constexpr std::array<std::int16_t, 3> kArguments{112, 104, 96};  // di, si, dx
#elif defined(__aarch64__)
constexpr std::array<std::int16_t, 3> kArguments{0, 8, 16};  // regs[0..2]
#else
constexpr std::array<std::int16_t, 0> kArguments{};
#endif

bpf_insn instruction(int code, int to, int from, std::int16_t offset, std::int32_t value) {
  bpf_insn made{};
  made.code = static_cast<__u8>(code);
  made.dst_reg = static_cast<__u8>(to) & 15u;
  made.src_reg = static_cast<__u8>(from) & 15u;
  made.off = offset;
  made.imm = value;
  return made;
}

}  // namespace

UniqueFd load_gate(const Gate& gate) {
  if (gate.argument < 1 || static_cast<std::size_t>(gate.argument) > kArguments.size()) {
    errno = ENOTSUP;
    return UniqueFd{};
  }
  const std::int16_t argument = kArguments[static_cast<std::size_t>(gate.argument) - 1];
  constexpr int kSlot = -8;  // on the program's stack
  // NOLINTBEGIN(misc-redundant-expression): some of the codes are 0
  const std::array program{
      instruction(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_1, argument, 0),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, static_cast<std::int32_t>(gate.offset)),
      instruction(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, kSlot, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, kSlot),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, sizeof gate.value),
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel),
      instruction(BPF_LDX | BPF_MEM | BPF_H, BPF_REG_1, BPF_REG_10, kSlot, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
      instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1, 0, 1, gate.value),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  // NOLINTEND(misc-redundant-expression)
  // The helper that reads kernel memory is for programs under a licence compatible with the GPL; this one is.
  static constexpr char kLicense[] = "Dual BSD/GPL";
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_KPROBE;
  attr.insns = reinterpret_cast<std::uintptr_t>(program.data());
  attr.insn_cnt = static_cast<__u32>(program.size());
  attr.license = reinterpret_cast<std::uintptr_t>(kLicense);
  return UniqueFd{static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr))};
}

}  // namespace tcpaccept::kernel
