#include "kernel/privileges.h"

#include <cap-ng.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"

namespace tcpaccept::kernel {
namespace {

constexpr unsigned kDacOverride = 1;
constexpr unsigned kSysAdmin = 21;
constexpr unsigned kPerfmon = 38;  // CAP_PERFMON, Linux 5.8; newer than some C libraries
constexpr uid_t kNobody = 65534;   // kernel.overflowuid, by convention nobody's

// A uid change takes all capabilities along unless it is told to keep the permitted ones.
void become_nobody() {
  if (::geteuid() != 0 && ::getuid() != 0) return;
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) throw system_error("cannot keep capabilities", errno);
  const bool changed = ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
                       ::setresuid(kNobody, kNobody, kNobody) == 0;
  // In a user namespace without that id, or without the capability for it, there is nobody else to become.
  if (!changed && errno != EINVAL && errno != EPERM) throw system_error("cannot become nobody", errno);
  ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
}

void drop(bool keep_tracing) {
  capng_get_caps_process();
  const bool admin = keep_tracing && capng_have_capability(CAPNG_PERMITTED, kSysAdmin) != 0;
  const bool dac = keep_tracing && capng_have_capability(CAPNG_PERMITTED, kDacOverride) != 0;
  const bool perfmon = keep_tracing && capng_have_capability(CAPNG_PERMITTED, kPerfmon) != 0;
  // The bounding set can be lowered only while CAP_SETPCAP is there; without it no_new_privs has to do.
  const bool bounding = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  if (bounding) {
    capng_clear(CAPNG_SELECT_BOUNDS);
    capng_apply(CAPNG_SELECT_BOUNDS);
  }
  become_nobody();
  capng_get_caps_process();
  capng_clear(CAPNG_SELECT_CAPS);
  const auto keep = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
  if (admin) capng_update(CAPNG_ADD, keep, kSysAdmin);
  if (dac) capng_update(CAPNG_ADD, keep, kDacOverride);
  if (perfmon) capng_update(CAPNG_ADD, keep, kPerfmon);
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) throw Error{"cannot drop capabilities"};
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw system_error("cannot give up new privileges", errno);
}

}  // namespace

void drop_privileges() { drop(false); }
void drop_privileges_but_tracing() { drop(true); }

}  // namespace tcpaccept::kernel
