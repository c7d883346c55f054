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
#include <map>
#include <utility>

#include "core/error.h"
#include "kernel/clock.h"
#include "core/unique_fd.h"
#include "perf/ring.h"

namespace tcpaccept::kernel {
namespace {

constexpr std::uint64_t kMaxRingBytes = std::uint64_t{1} << 30;

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

Error cannot_open(int error, std::uint16_t cpu) {
  const std::string what = "cannot open a perf event on CPU " + std::to_string(cpu);
  switch (error) {
    case EACCES:
    case EPERM:
      return system_error(what, error,
                          "run as root, or with CAP_SYS_ADMIN (CAP_PERFMON is enough where "
                          "kernel.perf_event_paranoid is 2 or less)");
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

// What read(2) of an event gives: the count, the time it was switched on, then the losses with PERF_FORMAT_LOST.
struct EventRead {
  std::uint64_t value = 0;
  std::uint64_t time_enabled = 0;
  std::uint64_t lost = 0;
};

// False for an event that the kernel has given up: newer ones say nothing more of it.
bool read_event(int fd, bool has_lost, EventRead& to) {
  const std::size_t size = has_lost ? sizeof to : offsetof(EventRead, lost);
  return ::read(fd, &to, size) == static_cast<ssize_t>(size);
}

// Members are destroyed last to first: the mapping goes before the descriptors it belongs to.
struct CpuRing {
  std::uint16_t cpu;
  std::vector<UniqueFd> events;  // the first one owns the ring, also when others took its place
  std::vector<UniqueFd> revived;
  std::map<int, EventRead> last;  // what each descriptor that is counted said last
  Mapping mapping;
  perf::RingReader reader;
  CpuCounts closed;              // of events that were replaced and closed
  CpuCounts counted;             // what the last count gave
  std::uint64_t counted_head = 0;
  bool counted_once = false;
  bool drained_since = false;    // the ring was not empty at some time since the last count

  const std::vector<UniqueFd>& current() const { return revived.empty() ? events : revived; }
};

}  // namespace

std::uint64_t rounded_ring_bytes(std::uint64_t wanted) {
  if (wanted > kMaxRingBytes) {
    throw Error{"a ring of " + std::to_string(wanted) + " bytes per CPU is too large; the most is 1 GiB",
                Exit::kUsage};
  }
  return std::bit_ceil(std::max<std::uint64_t>(wanted, page_size()));
}

EventOpener::EventOpener(std::vector<EventToOpen> events, std::uint64_t ring_bytes, bool cgroup)
    : events_(std::move(events)), ring_bytes_(rounded_ring_bytes(ring_bytes)), abilities_{.cgroup = cgroup} {
  if (events_.empty()) throw Error{"no event to open"};
}

int EventOpener::try_open(const EventToOpen& event, const Abilities& abilities, std::uint16_t cpu) const {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof attr;
  attr.config = event.id;
  attr.sample_period = 1;
  attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW;
  attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED;
  if (abilities.cgroup) attr.sample_type |= PERF_SAMPLE_CGROUP;
  if (abilities.lost) attr.read_format |= PERF_FORMAT_LOST;
  attr.disabled = 1;
  attr.watermark = 1;
  attr.wakeup_watermark = static_cast<std::uint32_t>(ring_bytes_ / 2);
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  // exclude_kernel stays 0: with it the kernel opens the event and never delivers a sample.
  return static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, int{cpu}, -1, PERF_FLAG_FD_CLOEXEC));
}

std::vector<UniqueFd> EventOpener::open(std::uint16_t cpu) {
  constexpr std::array<Abilities, 4> kAll{{{true, true}, {true, false}, {false, true}, {false, false}}};
  std::vector<UniqueFd> fds;
  for (const EventToOpen& event : events_) {
    UniqueFd fd;
    if (tried_) {
      fd.reset(try_open(event, abilities_, cpu));
    } else {
      // From best to least; whatever this event gets the others get too.
      for (Abilities candidate : kAll) {
        candidate.cgroup = candidate.cgroup && abilities_.cgroup;
        fd.reset(try_open(event, candidate, cpu));
        if (!fd.valid() && errno == EINVAL) continue;
        abilities_ = candidate;
        tried_ = fd.valid();
        break;
      }
    }
    if (!fd.valid() && errno == ENODEV) return {};
    if (!fd.valid()) throw cannot_open(errno, cpu);
    if (!event.filter.empty() && ::ioctl(fd.get(), PERF_EVENT_IOC_SET_FILTER, event.filter.c_str()) != 0) {
      throw system_error("the kernel refuses the event filter \"" + event.filter + "\"", errno);
    }
    fds.push_back(std::move(fd));
  }
  return fds;
}

struct PerfEvents::Impl {
  std::uint64_t ring_bytes = 0;
  bool has_lost = false;
  std::vector<CpuRing> rings;
  std::vector<int> poll_fds;
  std::vector<std::byte> scratch;

  CpuRing* find(std::uint16_t cpu) {
    const auto ring = std::find_if(rings.begin(), rings.end(), [&](const CpuRing& r) { return r.cpu == cpu; });
    return ring == rings.end() ? nullptr : &*ring;
  }

  static void share_ring(const std::vector<UniqueFd>& events, int owner, std::uint16_t cpu) {
    for (const UniqueFd& event : events) {
      if (event.get() != owner && ::ioctl(event.get(), PERF_EVENT_IOC_SET_OUTPUT, owner) != 0) {
        throw system_error("cannot let two events share the ring of CPU " + std::to_string(cpu), errno);
      }
    }
  }

  CpuRing& add(std::uint16_t cpu, std::vector<UniqueFd> events) {
    const int owner = events.front().get();
    Mapping mapping{owner, ring_bytes};
    share_ring(events, owner, cpu);
    perf::RingReader reader{mapping.page(), mapping.data()};
    const CpuCounts none{.cpu = cpu, .hits = 0, .lost = has_lost ? 0 : kNotRecorded64};
    rings.push_back({.cpu = cpu,
                     .events = std::move(events),
                     .revived = {},
                     .last = {},
                     .mapping = std::move(mapping),
                     .reader = reader,
                     .closed = none,
                     .counted = none});
    poll_fds.push_back(owner);
    return rings.back();
  }

  void count(CpuRing& ring, const std::vector<UniqueFd>& events, CpuCounts& sum) const {
    if (events.empty()) return;
    const int first = events.front().get();
    EventRead& last = ring.last[first];
    EventRead now;
    if (read_event(first, has_lost, now)) last = now;
    sum.hits += last.value;
    if (has_lost) sum.lost += last.lost;
  }

  // The first event is switched on first and off last: no other has what it has not counted.
  void enable() const {
    for (const CpuRing& ring : rings) {
      for (const UniqueFd& event : ring.current()) {
        if (::ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
          throw system_error("cannot switch the perf events on", errno);
        }
      }
    }
  }
  void disable() const {
    for (const CpuRing& ring : rings) {
      const std::vector<UniqueFd>& all = ring.current();
      std::for_each(all.rbegin(), all.rend(),
                    [](const UniqueFd& event) { ::ioctl(event.get(), PERF_EVENT_IOC_DISABLE, 0); });
    }
  }
};

PerfEvents::PerfEvents(EventOpener& opener, const std::vector<std::uint16_t>& cpus)
    : impl_(std::make_unique<Impl>()) {
  impl_->ring_bytes = opener.ring_bytes();
  impl_->rings.reserve(cpus.size());
  for (const std::uint16_t cpu : cpus) {
    std::vector<UniqueFd> events = opener.open(cpu);
    impl_->has_lost = opener.has_lost();
    if (!events.empty()) impl_->add(cpu, std::move(events));
  }
  if (impl_->rings.empty()) throw Error{"cannot open a perf event on any CPU: all of them are offline"};
}

PerfEvents::~PerfEvents() = default;

bool PerfEvents::attach(std::size_t index, const UniqueFd& gate) {
  const UniqueFd& event = impl_->rings.front().events[index];
  return gate.valid() && ::ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, gate.get()) == 0;
}

void PerfEvents::enable() { impl_->enable(); }

void PerfEvents::disable() { impl_->disable(); }

const std::vector<int>& PerfEvents::poll_fds() const { return impl_->poll_fds; }

std::vector<std::uint16_t> PerfEvents::cpus() const {
  std::vector<std::uint16_t> cpus;
  for (const CpuRing& ring : impl_->rings) cpus.push_back(ring.cpu);
  return cpus;
}

void PerfEvents::drain(const std::function<void(std::uint16_t cpu, Bytes records)>& sink) {
  for (CpuRing& ring : impl_->rings) {
    impl_->scratch.clear();
    const bool any = ring.reader.drain(impl_->scratch) != 0;
    ring.drained_since = ring.drained_since || any;
    if (any) sink(ring.cpu, impl_->scratch);
  }
}

std::uint64_t PerfEvents::corrupt_rings() const {
  std::uint64_t sum = 0;
  for (const CpuRing& ring : impl_->rings) sum += ring.reader.corrupt();
  return sum;
}

std::vector<CpuCounts> PerfEvents::counts() {
  std::vector<CpuCounts> counts;
  for (CpuRing& ring : impl_->rings) {
    // Every hit moves the head or finds the ring full, and a ring that was full has been drained since.
    const std::uint64_t head = ring.reader.head();
    if (!ring.counted_once || ring.drained_since || head != ring.counted_head) {
      ring.counted_once = true;
      ring.drained_since = false;
      ring.counted_head = head;
      ring.counted = ring.closed;
      impl_->count(ring, ring.events, ring.counted);
      impl_->count(ring, ring.revived, ring.counted);
    }
    counts.push_back(ring.counted);
  }
  return counts;
}

bool PerfEvents::alive(std::uint16_t cpu, std::uint64_t patience) const {
  const CpuRing* ring = impl_->find(cpu);
  if (ring == nullptr) return false;
  // The clock of a live event runs, though it can stand for a tick where the kernel does not trust the CPU's.
  return std::all_of(ring->current().begin(), ring->current().end(), [&](const UniqueFd& event) {
    EventRead first;
    EventRead later;
    if (!read_event(event.get(), impl_->has_lost, first)) return false;
    const std::uint64_t begun = monotonic_now();
    do {
      if (!read_event(event.get(), impl_->has_lost, later)) return false;
      if (later.time_enabled != first.time_enabled) return true;
    } while (monotonic_now() - begun < patience);
    return false;
  });
}

void PerfEvents::revive(std::uint16_t cpu, std::vector<UniqueFd> events) {
  CpuRing* ring = impl_->find(cpu);
  if (ring == nullptr) {
    ring = &impl_->add(cpu, std::move(events));
  } else {
    // Should one of the old ones deliver after all, nothing must show twice.
    for (const UniqueFd& event : ring->current()) ::ioctl(event.get(), PERF_EVENT_IOC_DISABLE, 0);
    Impl::share_ring(events, ring->events.front().get(), cpu);
    impl_->count(*ring, ring->revived, ring->closed);
    for (const UniqueFd& event : ring->revived) ring->last.erase(event.get());
    ring->revived = std::move(events);
  }
  ring->counted_once = false;
  for (const UniqueFd& event : ring->current()) {
    if (::ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
      throw system_error("cannot switch the perf event of CPU " + std::to_string(cpu) + " on", errno);
    }
  }
}

}  // namespace tcpaccept::kernel
