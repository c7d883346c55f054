// Giving up what root may do, for good.
//
// Everything that needs a privilege is opened at the start; what is handled afterwards comes from strangers.
#pragma once

namespace tcpaccept::kernel {

// No capability in any set, no way to get one back (no_new_privs), and where this process was root it becomes
// nobody with no groups. Descriptors stay usable. Throws Error. For a process with a single thread.
void drop_privileges();

// The same, but for the capabilities that perf_event_open(2) and the files of tracefs ask for, as far as they are held.
void drop_privileges_but_tracing();

}  // namespace tcpaccept::kernel
