// What this machine offers a tracer, line by line, without recording: tcpaccept-record --check.
#pragma once

#include <string>
#include <vector>

#include "kernel/tracer.h"

namespace tcpaccept::kernel {

struct CheckLine {
  bool ok = true;
  std::string what;    // "kernel", "tracefs", ...
  std::string found;   // what is there, or what is wrong
  std::string remedy;  // "" when nothing needs to be done
};

struct MachineCheck {
  std::vector<CheckLine> lines;
  // The probe was installed for a moment, and nothing spoke against it: recording works. Lines that are not ok may
  // stand beside it, such as a missing BTF: something is lacking then, not everything.
  bool works = false;
  bool proved = false;  // it showed our own connections as they were
};

// Never throws for what it finds. Takes well under a second where loopback works; leaves nothing behind.
MachineCheck check_machine(const TracerOptions& options);

}  // namespace tcpaccept::kernel
