#include "kernel/perf_events.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/error.h"
#include "core/unique_fd.h"
#include "perf/ring.h"

namespace tcpaccept::kernel {
namespace {

constexpr std::uint64_t kMaxRingBytes = std::uint64_t{1} << 30;

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// Abilities that older kernels refuse with EINVAL; tried from best to least.
struct Abilities {
  bool cgroup = true;
  bool lost = true;
};
constexpr std::array<Abilities, 4> kAbilities{{{true, true}, {true, false}, {false, true}, {false, false}}};

perf_event_attr attributes(const EventToOpen& event, const Abilities& abilities, std::uint64_t ring_bytes) {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof attr;
  attr.config = event.id;
  attr.sample_period = 1;
  attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW;
  if (abilities.cgroup) attr.sample_type |= PERF_SAMPLE_CGROUP;
  if (abilities.lost) attr.read_format = PERF_FORMAT_LOST;
  attr.disabled = 1;
  attr.watermark = 1;
  attr.wakeup_watermark = static_cast<std::uint32_t>(ring_bytes / 2);
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  // exclude_kernel stays 0: with it the kernel opens the event and never delivers a sample.
  return attr;
}

int open_event(const perf_event_attr& attr, std::uint16_t cpu) {
  return static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, int{cpu}, -1, PERF_FLAG_FD_CLOEXEC));
}

Error cannot_open(int error, std::uint16_t cpu) {
  const std::string what = "cannot open a perf event on CPU " + std::to_string(cpu);
  switch (error) {
    case EACCES:
    case EPERM:
      return system_error(what, error,
                          "run as root, or with CAP_SYS_ADMIN (CAP_PERFMON is enough where "
                          "kernel.perf_event_paranoid is 2 or less)");
    case EMFILE:
      return system_error(what, error, "raise the limit on open files (ulimit -n)");
    case ENOSYS:
      return system_error(what, error, "the kernel is built without perf events");
    default:
      return system_error(what, error);
  }
}

Error cannot_map(int error, std::uint64_t ring_bytes) {
  const std::string what = "cannot map a ring of " + std::to_string(ring_bytes / 1024) + " KiB per CPU";
  if (error == EPERM) {
    return system_error(what, error,
                        "use a smaller --ring-size, or raise the limit on locked memory (ulimit -l) or "
                        "kernel.perf_event_mlock_kb, or run as root");
  }
  return system_error(what, error, "use a smaller --ring-size");
}

// A mapping of one ring: the control page, then the data.
class Mapping {
 public:
  Mapping(int fd, std::uint64_t ring_bytes) : size_(page_size() + static_cast<std::size_t>(ring_bytes)) {
    base_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base_ == MAP_FAILED) throw cannot_map(errno, ring_bytes);
  }
  Mapping(Mapping&& other) noexcept : base_(std::exchange(other.base_, MAP_FAILED)), size_(other.size_) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping() {
    if (base_ != MAP_FAILED) ::munmap(base_, size_);
  }

  perf_event_mmap_page* page() const { return static_cast<perf_event_mmap_page*>(base_); }
  std::span<const std::byte> data() const {
    return {static_cast<const std::byte*>(base_) + page_size(), size_ - page_size()};
  }

 private:
  void* base_ = MAP_FAILED;
  std::size_t size_;
};

// Members are destroyed last to first: the mapping goes before the descriptors it belongs to.
struct CpuRing {
  std::uint16_t cpu;
  std::vector<UniqueFd> events;
  Mapping mapping;
  perf::RingReader reader;
};

}  // namespace

std::uint64_t rounded_ring_bytes(std::uint64_t wanted) {
  if (wanted > kMaxRingBytes) {
    throw Error{"a ring of " + std::to_string(wanted) + " bytes per CPU is too large; the most is 1 GiB",
                Exit::kUsage};
  }
  return std::bit_ceil(std::max<std::uint64_t>(wanted, page_size()));
}

struct PerfEvents::Impl {
  std::uint64_t ring_bytes = 0;
  Abilities abilities;
  std::vector<CpuRing> rings;
  std::vector<int> poll_fds;
  std::vector<std::byte> scratch;

  // Finds out with the first event what this kernel can do; everything else is then opened alike.
  UniqueFd probe_abilities(const EventToOpen& event, std::uint16_t cpu) {
    int error = 0;
    for (const Abilities& candidate : kAbilities) {
      UniqueFd fd{open_event(attributes(event, candidate, ring_bytes), cpu)};
      if (fd.valid()) {
        abilities = candidate;
        return fd;
      }
      error = errno;
      if (error != EINVAL) break;
    }
    if (error == ENODEV) return UniqueFd{};
    throw cannot_open(error, cpu);
  }

  UniqueFd open(const EventToOpen& event, std::uint16_t cpu) {
    if (rings.empty()) return probe_abilities(event, cpu);
    UniqueFd fd{open_event(attributes(event, abilities, ring_bytes), cpu)};
    if (!fd.valid() && errno != ENODEV) throw cannot_open(errno, cpu);
    return fd;
  }

  // False when the CPU is offline, or went offline meanwhile.
  bool add_cpu(const std::vector<EventToOpen>& events, std::uint16_t cpu) {
    std::vector<UniqueFd> fds;
    for (const EventToOpen& event : events) {
      UniqueFd fd = open(event, cpu);
      if (!fd.valid()) return false;
      if (!event.filter.empty() && ::ioctl(fd.get(), PERF_EVENT_IOC_SET_FILTER, event.filter.c_str()) != 0) {
        throw system_error("the kernel refuses the event filter \"" + event.filter + "\"", errno);
      }
      fds.push_back(std::move(fd));
    }
    const int first = fds.front().get();
    Mapping mapping{first, ring_bytes};
    for (std::size_t i = 1; i < fds.size(); ++i) {
      if (::ioctl(fds[i].get(), PERF_EVENT_IOC_SET_OUTPUT, first) != 0) {
        throw system_error("cannot let two events share the ring of CPU " + std::to_string(cpu), errno);
      }
    }
    perf::RingReader reader{mapping.page(), mapping.data()};
    rings.push_back({.cpu = cpu, .events = std::move(fds), .mapping = std::move(mapping), .reader = reader});
    poll_fds.push_back(first);
    return true;
  }

  int control(unsigned long request) const {
    int error = 0;
    for (const CpuRing& ring : rings) {
      for (const UniqueFd& fd : ring.events) {
        if (::ioctl(fd.get(), request, 0) != 0 && error == 0) error = errno;
      }
    }
    return error;
  }
};

PerfEvents::PerfEvents(const std::vector<EventToOpen>& events, const std::vector<std::uint16_t>& cpus,
                       std::uint64_t ring_bytes)
    : impl_(std::make_unique<Impl>()) {
  if (events.empty()) throw Error{"no event to open"};
  impl_->ring_bytes = rounded_ring_bytes(ring_bytes);
  impl_->rings.reserve(cpus.size());
  for (const std::uint16_t cpu : cpus) impl_->add_cpu(events, cpu);
  if (impl_->rings.empty()) throw Error{"cannot open a perf event on any CPU: all of them are offline"};
}

PerfEvents::~PerfEvents() = default;

void PerfEvents::enable() {
  const int error = impl_->control(PERF_EVENT_IOC_ENABLE);
  if (error != 0) throw system_error("cannot switch the perf events on", error);
}

void PerfEvents::disable() { impl_->control(PERF_EVENT_IOC_DISABLE); }

bool PerfEvents::has_cgroup() const { return impl_->abilities.cgroup; }
std::uint64_t PerfEvents::ring_bytes() const { return impl_->ring_bytes; }
const std::vector<int>& PerfEvents::poll_fds() const { return impl_->poll_fds; }

std::vector<std::uint16_t> PerfEvents::cpus() const {
  std::vector<std::uint16_t> cpus;
  for (const CpuRing& ring : impl_->rings) cpus.push_back(ring.cpu);
  return cpus;
}

void PerfEvents::drain(const std::function<void(std::uint16_t cpu, Bytes records)>& sink) {
  for (CpuRing& ring : impl_->rings) {
    impl_->scratch.clear();
    if (ring.reader.drain(impl_->scratch) != 0) sink(ring.cpu, impl_->scratch);
  }
}

std::uint64_t PerfEvents::corrupt_rings() const {
  std::uint64_t sum = 0;
  for (const CpuRing& ring : impl_->rings) sum += ring.reader.corrupt();
  return sum;
}

std::vector<CpuCounts> PerfEvents::counts() const {
  std::vector<CpuCounts> counts;
  for (const CpuRing& ring : impl_->rings) {
    CpuCounts sum{.cpu = ring.cpu, .hits = 0, .lost = impl_->abilities.lost ? 0 : kNotRecorded64};
    for (const UniqueFd& fd : ring.events) {
      std::array<std::uint64_t, 2> value{};  // value, then lost with PERF_FORMAT_LOST
      const std::size_t size = impl_->abilities.lost ? sizeof value : sizeof value[0];
      if (::read(fd.get(), value.data(), size) != static_cast<ssize_t>(size)) continue;
      sum.hits += value[0];
      if (impl_->abilities.lost) sum.lost += value[1];
    }
    counts.push_back(sum);
  }
  return counts;
}

}  // namespace tcpaccept::kernel
