#include "kernel/rescue.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kernel/host_facts.h"
#include "perf/record.h"
#include "perf/trace_page.h"

namespace tcpaccept::kernel {
namespace {

// One settlement without anything in common can be chance: perf's part was read, ftrace's not yet.
constexpr unsigned kDeaf = 2;

// Nanoseconds. Longer apart perf and ftrace do not write of one MPTCP accept, unless the host of a VM stops it just then:
// it is shown twice in that case. Sooner nobody connects, accepts and closes twice by the same ports.
constexpr std::uint64_t kTogether = 5'000'000;

constexpr std::uint32_t kSample = 9;  // PERF_RECORD_SAMPLE
constexpr std::size_t kRawAt = 36;    // of the raw data in a sample: behind the header, TID, TIME, CPU and its length

template <typename T>
void append(std::vector<std::byte>& to, const T& value) {
  const Bytes bytes = std::as_bytes(std::span{&value, 1});
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

Rescue::Rescue(const perf::DecoderConfig& decoder, std::uint64_t event_id, KernelPaths paths)
    : decoder_(decoder), cgroup_(decoder.layout.cgroup), event_id_(event_id), paths_(std::move(paths)) {
  const perf::EventFormat format = perf::parse_event_format(decoder.formats.front());
  ports_ = format.find("pf");
  protocol_ = format.find("proto");
  established_ = format.find("est");
  for (const char* name : {"pf", "v4", "s1", "sport", "proto", "netns", "est"}) {
    const perf::FieldSlot field = format.find(name);
    key_size_ = std::max<std::size_t>(key_size_, field.offset + field.size);
  }
}

// What both writers agree on: the event and the fields, up to the time the connection was established. "" for another
// event. Each fetches for itself, so what may change meanwhile is left out: the flags of the moment; the state and
// skc_num, which a FIN or an RST changes on another CPU (tcp_set_state and __inet_put_port, net/ipv4, 6.1); and that time
// of an MPTCP socket, which has something else in its place. A client can come back by the same port, so `time`,
// roughly, takes its place: both write within one call of the probe. What is behind the fields may be padding.
std::string Rescue::key_of(Bytes payload, std::uint64_t time) const {
  if (payload.size() < key_size_ || load<std::uint16_t>(payload.data()) != event_id_) return "";
  std::string key{reinterpret_cast<const char*>(payload.data()), key_size_};
  const auto leave_out = [&](std::size_t at, std::size_t size) { key.replace(at, size, size, '\0'); };
  constexpr std::size_t kFlagsAt = 2;
  constexpr std::size_t kNumAt = 2;    // of the 8 bytes from skc_dport on (perf/decoder.h)
  constexpr std::size_t kStateAt = 6;
  leave_out(kFlagsAt, 2);
  leave_out(ports_.offset + kNumAt, 2);
  leave_out(ports_.offset + kStateAt, 1);
  const bool mptcp = protocol_.size == 2 && load<std::uint16_t>(payload.data() + protocol_.offset) == kProtocolMptcp;
  if (mptcp) {
    leave_out(established_.offset, established_.size);
    const std::uint64_t about = time / kTogether;
    key.append(reinterpret_cast<const char*>(&about), sizeof about);
  }
  return key;
}

std::vector<std::uint16_t> Rescue::cpus() const {
  std::vector<std::uint16_t> numbers;
  for (const auto& [cpu, ignored] : cpus_) numbers.push_back(cpu);
  return numbers;
}

void Rescue::seen(std::uint16_t cpu, Bytes records) {
  if (cpus_.empty()) return;
  constexpr std::size_t kProcessAt = 8;
  constexpr std::size_t kThreadAt = 12;
  constexpr std::size_t kTimeAt = 16;
  constexpr std::size_t kMaxProcesses = 65536;
  if (processes_.size() > kMaxProcesses) processes_.clear();
  const auto found = cpus_.find(cpu);
  Bytes record;
  while (perf::next_record(records, record)) {
    if (record.size() <= kRawAt || load<perf::RecordHeader>(record.data()).type != kSample) continue;
    processes_[load<std::uint32_t>(record.data() + kThreadAt)] = {load<std::uint32_t>(record.data() + kProcessAt),
                                                                  load<std::uint64_t>(record.data() + kTimeAt)};
    if (found != cpus_.end()) {
      found->second.seen.insert(key_of(record.subspan(kRawAt), load<std::uint64_t>(record.data() + kTimeAt)));
    }
  }
}

bool Rescue::recording() const {
  bool all = true;
  for (const UniqueFd& one : switches_) {
    char state = 0;
    if (::pread(one.get(), &state, 1, 0) == 1 && state == '1') continue;
    all = false;
    if (::pwrite(one.get(), "1", 1, 0) != 1) break;  // the next look finds it off again
  }
  return all;
}

bool Rescue::read(std::uint16_t cpu) {
  Cpu& of = cpus_.at(cpu);
  const std::size_t known = of.read.size();
  std::vector<std::byte> page(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  for (;;) {
    const ssize_t got = ::read(of.trace.get(), page.data(), page.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return of.read.size() != known;  // nothing more, or a CPU that has not run yet
    const std::size_t before = of.read.size();
    const Bytes content = Bytes{page}.first(static_cast<std::size_t>(got));
    const bool overwritten = perf::walk_trace_page(content, [&](std::uint64_t time, Bytes payload) {
      of.read.emplace_back(time, std::vector<std::byte>{payload.begin(), payload.end()});
    });
    if (overwritten) of.overwritten_before = before;
  }
}

bool Rescue::delivered(const Cpu& of, std::uint64_t time, Bytes payload) const {
  // It may be just beyond what key_of() takes for the same time.
  for (const std::uint64_t about : {time, time - kTogether, time + kTogether}) {
    const std::string key = key_of(payload, about);
    if (of.seen.contains(key) || of.seen_before.contains(key)) return true;
  }
  return false;
}

// The first `count` records, but for those that perf delivered and those that its filter would have kept away.
void Rescue::emit(std::uint16_t cpu, const Cpu& of, std::size_t count, std::vector<std::byte>& to) {
  for (const auto& [time, payload] : std::span{of.read}.first(count)) {
    if (key_of(payload, time).empty() || delivered(of, time, payload)) continue;
    const std::vector<std::byte> record = perf_record(cpu, time, payload);
    const perf::Decoded decoded = decoder_.decode(record);
    const auto* accept = std::get_if<Accept>(&decoded);
    if (accept == nullptr) continue;
    if (accept->listener.protocol != kProtocolTcp && accept->listener.protocol != kProtocolMptcp) continue;
    to.insert(to.end(), record.begin(), record.end());
    ++count_;
  }
}

std::vector<std::byte> Rescue::settle(std::uint16_t cpu) {
  Cpu& of = cpus_.at(cpu);
  std::vector<std::byte> records;
  emit(cpu, of, of.open, records);
  std::unordered_set<std::string> read;
  for (const auto& [time, payload] : of.read) read.insert(key_of(payload, time));
  // Either may have been read when the other was not there yet.
  const auto has = [](const auto& some, const auto& others) {
    return std::any_of(some.begin(), some.end(), [&](const std::string& key) { return others.contains(key); });
  };
  const bool heard = has(of.seen, read) || has(of.seen, of.read_before) || has(of.seen_before, read);
  if (heard) of.deaf = 0;
  else if (!of.seen.empty() && of.deaf < kDeaf) ++of.deaf;
  of.read.clear();
  of.open = 0;
  of.overwritten_before = kNotRecorded64;
  // What both record now is seen before it is read, or the other way round.
  of.seen_before = std::exchange(of.seen, {});
  of.read_before = std::move(read);
  return records;
}

std::vector<std::byte> Rescue::take(std::uint16_t cpu, bool alive) {
  Cpu& of = cpus_.at(cpu);
  // Whatever was overwritten is older than a record that perf has, too.
  of.whole = of.overwritten_before >= of.read.size() ||
             delivered(of, of.read[of.overwritten_before].first, of.read[of.overwritten_before].second);
  if (of.deaf >= kDeaf) of.whole = false;
  of.overwritten_before = kNotRecorded64;
  const std::size_t left = alive && !of.read.empty() ? 1 : 0;
  const std::size_t count = of.read.size() - left;
  std::vector<std::byte> records;
  emit(cpu, of, count, records);
  of.read.erase(of.read.begin(), of.read.begin() + static_cast<std::ptrdiff_t>(count));
  of.open = left;
  return records;
}

std::uint32_t Rescue::process_of_thread(std::uint32_t thread, std::uint64_t time) const {
  // Sooner the number is hardly given to another one. (The clock of an emulated CPU that comes back can be seconds off.)
  constexpr std::uint64_t kSameThread = 60'000'000'000;
  if (const pid_t process = process_of(static_cast<pid_t>(thread), paths_); process != 0) return static_cast<std::uint32_t>(process);
  const auto named = processes_.find(thread);
  if (named == processes_.end()) return 0;
  const std::uint64_t apart = time > named->second.time ? time - named->second.time : named->second.time - time;
  return apart < kSameThread ? named->second.process : 0;
}

std::vector<std::byte> Rescue::perf_record(std::uint16_t cpu, std::uint64_t time, Bytes payload) const {
  constexpr std::size_t kThreadAt = 4;  // common_pid
  const auto thread = load<std::uint32_t>(payload.data() + kThreadAt);
  // The raw data and its length fill a multiple of 8.
  const std::size_t raw_size = (payload.size() + sizeof(std::uint32_t) + 7) / 8 * 8 - sizeof(std::uint32_t);
  const std::size_t size = kRawAt + raw_size + (cgroup_ ? sizeof(std::uint64_t) : 0);
  std::vector<std::byte> record;
  append(record, perf::RecordHeader{.type = kSample, .misc = perf::kMadeUp, .size = static_cast<std::uint16_t>(size)});
  append(record, process_of_thread(thread, time));
  append(record, thread);
  append(record, time);
  append(record, std::uint32_t{cpu});
  append(record, std::uint32_t{0});
  append(record, static_cast<std::uint32_t>(raw_size));
  record.insert(record.end(), payload.begin(), payload.end());
  record.resize(size);  // padding, and no cgroup
  return record;
}

}  // namespace tcpaccept::kernel
