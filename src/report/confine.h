// Captures come from strangers. Once everything is open and before the first byte is read, the process gives up what
// turning bytes into rows does not need, so that a mistake in reading them is worth little to whoever finds it:
//
//   Landlock (Linux 5.13)   no file is opened, made, changed or removed; later kernels: no TCP, no signal to others
//   seccomp (libseccomp)    of the system calls only those in confine.cc: read, write, wait, memory, threads. Trying to
//                           start a program or a process, to reach the network, another process or a file kills;
//                           anything else is ENOSYS, as on a kernel that is too old for it, and the C library copes.
//
// Each works without the other. A kernel or a container without them is no failure: reading captures is safe by
// itself as far as anybody knows.
#pragma once

#include <vector>

namespace tcpaccept::report {

// For good. Threads may be started after this, but none may run yet: Landlock holds only for the thread that asks and
// those it starts. `output_folders`: open folders (-1 = none) where a finished output gets its name, or an unfinished one is
// removed. There, and nowhere else where Landlock holds, renameat, renameat2, linkat and unlinkat stay possible, with
// these descriptors for the folder; without Landlock a path that begins with a slash gets past that.
void confine(const std::vector<int>& output_folders = {});

// The two halves of it, in this order. False: not to be had here.
bool confine_files(const std::vector<int>& output_folders = {});
bool confine_calls(const std::vector<int>& output_folders = {});

}  // namespace tcpaccept::report
