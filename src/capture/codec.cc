#include "capture/codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "capture/crc32c.h"
#include "capture/format.h"
#include "capture/packed_column.h"
#include "formats/capture.capnp.h"

namespace tcpaccept::capture {
namespace {

// ---- small conversions, pairwise ----------------------------------------------------------------------------

std::uint64_t load_big_endian(const void* from) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return __builtin_bswap64(value);
}

void store_big_endian(std::uint64_t value, void* to) {
  value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

std::uint64_t high(const IpAddress& address) { return load_big_endian(&address.bytes[0]); }
std::uint64_t low(const IpAddress& address) { return load_big_endian(&address.bytes[8]); }

IpAddress make_address(std::uint64_t high_half, std::uint64_t low_half) {
  IpAddress address;
  store_big_endian(high_half, &address.bytes[0]);
  store_big_endian(low_half, &address.bytes[8]);
  return address;
}

capnp::Text::Reader text(const std::string& from) { return {from.c_str(), from.size()}; }
std::string text(capnp::Text::Reader from) { return {from.begin(), from.size()}; }

// Within a packed column "not recorded" is 0 and a value v is v + 1, in the width of the column's type: one
// missing value among many must not blow up every plane.
template <typename T>
T shifted(T value) {
  return static_cast<T>(value + 1);
}
template <typename T>
T unshifted(T value) {
  return static_cast<T>(value - 1);
}

void write(::Clock::Builder to, const ClockAnchor& from) {
  to.setMonotonic(from.monotonic);
  to.setRealtime(from.realtime);
  to.setBoottime(from.boottime);
}
ClockAnchor read(::Clock::Reader from) { return {from.getMonotonic(), from.getRealtime(), from.getBoottime()}; }

void write(::Ledger::Builder to, const Ledger& from) {
  to.setBegin(from.begin);
  to.setEnd(from.end);
  to.setHits(from.hits);
  to.setMisses(from.misses);
  to.setLost(from.lost);
  to.setFiltered(from.filtered);
  to.setWritten(from.written);
}
Ledger read(::Ledger::Reader from) {
  return {.begin = from.getBegin(),
          .end = from.getEnd(),
          .hits = from.getHits(),
          .misses = from.getMisses(),
          .lost = from.getLost(),
          .filtered = from.getFiltered(),
          .written = from.getWritten()};
}

void write(::Address::Builder to, const IpAddress& from) {
  to.setHigh(high(from));
  to.setLow(low(from));
}
IpAddress read(::Address::Reader from) { return make_address(from.getHigh(), from.getLow()); }

void write(::Listener::Builder to, const Listener& from) {
  to.setPid(from.pid);
  const std::string_view comm = from.comm.view();
  to.setComm({reinterpret_cast<const capnp::byte*>(comm.data()), comm.size()});
  write(to.initSaddr(), from.saddr);
  to.setSport(from.sport);
  to.setFamily(from.family);
  to.setInKernel(from.in_kernel);
  to.setProtocol(from.protocol);
  to.setNetns(from.netns);
  to.setCgroup(from.cgroup);
  to.setBacklog(from.backlog);
  to.setNspid(from.nspid);
}
bool read(::Listener::Reader from, Listener& to) {
  const auto comm = from.getComm();
  to.pid = from.getPid();
  if (comm.size() >= to.comm.bytes.size()) return false;
  to.comm = {};
  std::copy_n(comm.begin(), comm.size(), to.comm.bytes.begin());
  if (to.comm.view().size() != comm.size()) return false;
  to.saddr = read(from.getSaddr());
  to.sport = from.getSport();
  to.family = from.getFamily();
  to.in_kernel = from.getInKernel();
  to.protocol = from.getProtocol();
  to.netns = from.getNetns();
  to.cgroup = from.getCgroup();
  to.backlog = from.getBacklog();
  to.nspid = from.getNspid();
  return true;
}

template <typename List>
void write_strings(List to, const std::vector<std::string>& from) {
  for (unsigned i = 0; i < from.size(); ++i) to.set(i, text(from[i]));
}
template <typename List>
std::vector<std::string> read_strings(List from) {
  std::vector<std::string> to;
  for (const auto entry : from) to.push_back(text(entry));
  return to;
}

void write(::Start::Builder to, const Start& from) {
  to.setRecorder(text(from.recorder));
  to.setHost(text(from.host));
  to.setKernel(text(from.kernel));
  to.setKernelBuild(text(from.kernel_build));
  to.setMachine(text(from.machine));
  to.setDistribution(text(from.distribution));
  to.setBootId(text(from.boot_id));
  to.setCpus(from.cpus);
  to.setRingBytes(from.ring_bytes);
  auto pids = to.initPids(static_cast<unsigned>(from.pids.size()));
  for (unsigned i = 0; i < from.pids.size(); ++i) pids.set(i, from.pids[i]);
  auto probe = to.initProbe();
  probe.setPlan(text(from.probe.plan));
  probe.setSymbol(text(from.probe.symbol));
  write_strings(probe.initDefinitions(static_cast<unsigned>(from.probe.definitions.size())), from.probe.definitions);
  probe.setFilter(text(from.probe.filter));
  probe.setOffsets(text(from.probe.offsets));
  write_strings(probe.initNotes(static_cast<unsigned>(from.probe.notes.size())), from.probe.notes);
  write_strings(probe.initSelfTest(static_cast<unsigned>(from.probe.self_test.size())), from.probe.self_test);
  write(to.initClock(), from.clock);
}
Start read(::Start::Reader from) {
  Start to;
  to.recorder = text(from.getRecorder());
  to.host = text(from.getHost());
  to.kernel = text(from.getKernel());
  to.kernel_build = text(from.getKernelBuild());
  to.machine = text(from.getMachine());
  to.distribution = text(from.getDistribution());
  to.boot_id = text(from.getBootId());
  to.cpus = from.getCpus();
  to.ring_bytes = from.getRingBytes();
  for (const auto pid : from.getPids()) to.pids.push_back(pid);
  const auto probe = from.getProbe();
  to.probe.plan = text(probe.getPlan());
  to.probe.symbol = text(probe.getSymbol());
  to.probe.definitions = read_strings(probe.getDefinitions());
  to.probe.filter = text(probe.getFilter());
  to.probe.offsets = text(probe.getOffsets());
  to.probe.notes = read_strings(probe.getNotes());
  to.probe.self_test = read_strings(probe.getSelfTest());
  to.clock = read(from.getClock());
  return to;
}

void write(::End::Builder to, const End& from) {
  write(to.initClock(), from.clock);
  to.setWritten(from.written);
  to.setBatches(from.batches);
  to.setReason(text(from.reason));
}
End read(::End::Reader from) {
  return {.clock = read(from.getClock()),
          .written = from.getWritten(),
          .batches = from.getBatches(),
          .reason = text(from.getReason())};
}

// ---- what both forms of a batch hold alike --------------------------------------------------------------------

bool has_extras(const Batch& batch) {
  return !batch.cpu_losses.empty() || !batch.gaps.empty() || !batch.cgroups.empty();
}

void write_extras(::Extras::Builder to, const Batch& from) {
  const auto length = [](const auto& rows) { return static_cast<unsigned>(rows.size()); };
  auto losses = to.initCpuLosses(length(from.cpu_losses));
  for (unsigned i = 0; i < from.cpu_losses.size(); ++i) {
    losses[i].setCpu(from.cpu_losses[i].cpu);
    losses[i].setLost(from.cpu_losses[i].lost);
  }
  auto gaps = to.initGaps(length(from.gaps));
  for (unsigned i = 0; i < from.gaps.size(); ++i) {
    const Gap& gap = from.gaps[i];
    gaps[i].setBegin(gap.begin);
    gaps[i].setEnd(gap.end);
    gaps[i].setAtMost(gap.at_most);
    gaps[i].setCpu(gap.cpu);
    gaps[i].setReason(static_cast<std::uint16_t>(gap.reason));
  }
  auto cgroups = to.initCgroups(length(from.cgroups));
  for (unsigned i = 0; i < from.cgroups.size(); ++i) {
    const std::string& path = from.cgroups[i].path;
    cgroups[i].setId(from.cgroups[i].id);
    cgroups[i].setPath({reinterpret_cast<const capnp::byte*>(path.data()), path.size()});
  }
}

const char* read_extras(::Extras::Reader from, Batch& to) {
  const auto losses = from.getCpuLosses();
  const auto gaps = from.getGaps();
  const auto cgroups = from.getCgroups();
  if (losses.size() > kMaxBatchEvents || gaps.size() > kMaxBatchEvents || cgroups.size() > kMaxBatchEvents) {
    return "a table is too long";
  }
  for (const auto loss : losses) to.cpu_losses.push_back({.cpu = loss.getCpu(), .lost = loss.getLost()});
  for (const auto gap : gaps) {
    if (gap.getEnd() < gap.getBegin()) return "a gap ends before it begins";
    to.gaps.push_back({.begin = gap.getBegin(),
                       .end = gap.getEnd(),
                       .cpu = gap.getCpu(),
                       .reason = static_cast<GapReason>(gap.getReason()),
                       .at_most = gap.getAtMost()});
  }
  for (const auto cgroup : cgroups) {
    const auto path = cgroup.getPath();
    if (path.size() > kMaxCgroupPath) return "the path of a cgroup is too long";
    if (!to.cgroups.empty() && to.cgroups.back().id >= cgroup.getId()) return "its cgroups are out of order";
    to.cgroups.push_back({cgroup.getId(), {reinterpret_cast<const char*>(path.begin()), path.size()}});
  }
  return nullptr;
}

std::size_t extras_words(const Batch& batch) {
  std::size_t words = 8 + batch.cpu_losses.size() * 2 + batch.gaps.size() * 4;
  for (const CgroupPath& cgroup : batch.cgroups) words += 3 + cgroup.path.size() / 8;
  return words;
}

// ---- the plain batch ----------------------------------------------------------------------------------------

template <typename List, typename T>
void write_column(List to, const std::vector<T>& from) {
  for (unsigned i = 0; i < from.size(); ++i) to.set(i, from[i]);
}

// An absent column means "not recorded"; its length is then made up here, all other lengths are checked later.
template <typename List, typename T>
void read_column(List from, std::vector<T>& to, std::size_t events, T absent) {
  to.clear();
  if (from.size() == 0) {
    to.assign(events, absent);
    return;
  }
  to.resize(from.size());
  for (unsigned i = 0; i < from.size(); ++i) to[i] = from[i];
}

void write(::Batch::Builder to, const Batch& from) {
  const auto length = [](const auto& rows) { return static_cast<unsigned>(rows.size()); };
  write(to.initClock(), from.clock);
  if (from.ledger) write(to.initLedger(), *from.ledger);
  auto listeners = to.initListeners(length(from.listeners));
  for (unsigned i = 0; i < from.listeners.size(); ++i) write(listeners[i], from.listeners[i]);
  auto peers = to.initPeers(length(from.peers));
  for (unsigned i = 0; i < from.peers.size(); ++i) write(peers[i], from.peers[i]);
  write_column(to.initTime(length(from.time)), from.time);
  write_column(to.initListener(length(from.listener)), from.listener);
  write_column(to.initPeer(length(from.peer)), from.peer);
  write_column(to.initRport(length(from.rport)), from.rport);
  write_column(to.initTid(length(from.tid)), from.tid);
  write_column(to.initCpu(length(from.cpu)), from.cpu);
  write_column(to.initWaitUs(length(from.wait_us)), from.wait_us);
  write_column(to.initAhead(length(from.ahead)), from.ahead);
  write_column(to.initRttUs(length(from.rtt_us)), from.rtt_us);
  write_column(to.initLeft(length(from.left)), from.left);
  if (has_extras(from)) write_extras(to.initExtras(), from);
}

const char* read(::Batch::Reader from, Batch& to) {
  to.clear();
  to.clock = read(from.getClock());
  if (from.hasLedger()) to.ledger = read(from.getLedger());
  const auto listeners = from.getListeners();
  const auto peers = from.getPeers();
  const auto time = from.getTime();
  if (time.size() > kMaxBatchEvents || listeners.size() > kMaxBatchEvents || peers.size() > kMaxBatchEvents) {
    return "a table is too long";
  }
  to.listeners.resize(listeners.size());
  for (unsigned i = 0; i < listeners.size(); ++i) {
    if (!read(listeners[i], to.listeners[i])) return "a command name is too long";
  }
  to.peers.resize(peers.size());
  for (unsigned i = 0; i < peers.size(); ++i) to.peers[i] = read(peers[i]);
  const std::size_t events = time.size();
  read_column(time, to.time, events, std::uint64_t{0});
  read_column(from.getListener(), to.listener, events, kNotRecorded16);
  read_column(from.getPeer(), to.peer, events, kNotRecorded16);
  read_column(from.getRport(), to.rport, events, std::uint16_t{0});
  read_column(from.getTid(), to.tid, events, std::uint32_t{0});
  read_column(from.getCpu(), to.cpu, events, kNotRecorded16);
  read_column(from.getWaitUs(), to.wait_us, events, kNotRecorded64);
  read_column(from.getAhead(), to.ahead, events, kNotRecorded32);
  read_column(from.getRttUs(), to.rtt_us, events, kNotRecorded32);
  read_column(from.getLeft(), to.left, events, kNotRecorded32);
  if (const char* why = read_extras(from.getExtras(), to)) return why;
  return inconsistency(to);
}

// ---- the packed batch ---------------------------------------------------------------------------------------

// Packs every column of a batch. Each call of column() has its counterpart in BatchUnpacker::store().
class BatchPacker {
 public:
  const std::vector<std::byte>& pack(const Batch& batch) {
    out_.clear();
    const ClockAnchor& clock = batch.clock;
    single(ColumnId::kClockMonotonic, clock.monotonic);
    single(ColumnId::kClockRealtime, static_cast<std::uint64_t>(clock.realtime));
    single(ColumnId::kClockBoottime, clock.boottime);
    if (batch.ledger) {
      const Ledger& ledger = *batch.ledger;
      single(ColumnId::kLedgerBegin, ledger.begin - clock.monotonic);
      // Present in every batch with a ledger, whatever its value: it is what says that there is one.
      values_.assign(1, ledger.end - clock.monotonic);
      packer_.pack(ColumnId::kLedgerEnd, values_, false, ~values_[0], out_);
      single(ColumnId::kLedgerHits, ledger.hits);
      single(ColumnId::kLedgerMisses, ledger.misses);
      single(ColumnId::kLedgerLost, ledger.lost);
      single(ColumnId::kLedgerFiltered, ledger.filtered);
      single(ColumnId::kLedgerWritten, ledger.written);
    }
    const auto& listeners = batch.listeners;
    column(ColumnId::kPid, listeners, [](const Listener& l) { return l.pid; });
    column(ColumnId::kCommHigh, listeners, [](const Listener& l) { return load_big_endian(&l.comm.bytes[0]); });
    column(ColumnId::kCommLow, listeners, [](const Listener& l) { return load_big_endian(&l.comm.bytes[8]); });
    column(ColumnId::kSaddrHigh, listeners, [](const Listener& l) { return high(l.saddr); });
    column(ColumnId::kSaddrLow, listeners, [](const Listener& l) { return low(l.saddr); });
    column(ColumnId::kSport, listeners, [](const Listener& l) { return l.sport; });
    column(ColumnId::kFamily, listeners, [](const Listener& l) { return l.family; });
    column(ColumnId::kInKernel, listeners, [](const Listener& l) { return l.in_kernel ? 1u : 0u; });
    column(ColumnId::kProtocol, listeners, [](const Listener& l) { return l.protocol; });
    column(ColumnId::kNetns, listeners, [](const Listener& l) { return l.netns; });
    column(ColumnId::kCgroup, listeners, [](const Listener& l) { return l.cgroup; });
    column(ColumnId::kBacklog, listeners, [](const Listener& l) { return shifted(l.backlog); });
    column(ColumnId::kNspid, listeners, [](const Listener& l) { return l.nspid; });

    const std::vector<std::uint16_t>& rank = order_peers(batch);
    column(ColumnId::kPeerHigh, order_, [&](std::uint16_t i) { return high(batch.peers[i]); }, sorted_);
    column(ColumnId::kPeerLow, order_, [&](std::uint16_t i) { return low(batch.peers[i]); });

    column(ColumnId::kTime, batch.time, [](std::uint64_t t) { return t; }, true);
    column(ColumnId::kListener, batch.listener, [](std::uint16_t i) { return i; });
    column(ColumnId::kPeer, batch.peer, [&](std::uint16_t i) { return rank[i]; });
    column(ColumnId::kRport, batch.rport, [](std::uint16_t p) { return p; });
    values_.resize(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      values_[i] = batch.tid[i] - batch.listeners[batch.listener[i]].pid;
    }
    packer_.pack(ColumnId::kTid, values_, false, 0, out_);
    column(ColumnId::kCpu, batch.cpu, [](std::uint16_t c) { return shifted(c); });
    column(ColumnId::kWait, batch.wait_us, [](std::uint64_t w) { return shifted(w); });
    column(ColumnId::kAhead, batch.ahead, [](std::uint32_t a) { return shifted(a); });
    column(ColumnId::kRtt, batch.rtt_us, [](std::uint32_t r) { return shifted(r); });
    column(ColumnId::kLeft, batch.left, [](std::uint32_t l) { return shifted(l); });
    return out_;
  }

 private:
  void single(ColumnId id, std::uint64_t value) {
    values_.assign(1, value);
    packer_.pack(id, values_, false, 0, out_);
  }
  template <typename T, typename Value>
  void column(ColumnId id, const std::vector<T>& rows, Value value, bool delta = false) {
    values_.resize(rows.size());
    std::transform(rows.begin(), rows.end(), values_.begin(), value);
    packer_.pack(id, values_, delta, 0, out_);
  }

  // Few peers cost least in ascending order (small steps); many, each seen once or twice, in order of appearance
  // (the index column is then nearly a counter).
  const std::vector<std::uint16_t>& order_peers(const Batch& batch) {
    order_.resize(batch.peers.size());
    std::iota(order_.begin(), order_.end(), std::uint16_t{0});
    sorted_ = batch.peers.size() <= batch.size() / 2;
    if (sorted_) {
      std::sort(order_.begin(), order_.end(),
                [&](std::uint16_t a, std::uint16_t b) { return batch.peers[a] < batch.peers[b]; });
    }
    rank_.resize(order_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) rank_[order_[i]] = static_cast<std::uint16_t>(i);
    return rank_;
  }

  ColumnPacker packer_;
  std::vector<std::byte> out_;
  std::vector<std::uint64_t> values_;
  std::vector<std::uint16_t> order_;
  std::vector<std::uint16_t> rank_;
  bool sorted_ = false;
};

class BatchUnpacker {
 public:
  const char* unpack(::PackedBatch::Reader from, Batch& to) {
    const std::size_t events = from.getEvents();
    const std::size_t listeners = from.getListeners();
    const std::size_t peers = from.getPeers();
    if (events > kMaxBatchEvents || listeners > kMaxBatchEvents || peers > kMaxBatchEvents) {
      return "a table is too long";
    }
    to.clear();
    // Defaults first: a column that is left out holds nothing but its default.
    to.listeners.resize(listeners);
    to.peers.resize(peers);
    to.time.assign(events, 0);
    to.listener.assign(events, 0);
    to.peer.assign(events, 0);
    to.rport.assign(events, 0);
    to.tid.assign(events, 0);
    to.cpu.assign(events, kNotRecorded16);
    to.wait_us.assign(events, kNotRecorded64);
    to.ahead.assign(events, kNotRecorded32);
    to.rtt_us.assign(events, kNotRecorded32);
    to.left.assign(events, kNotRecorded32);
    if (const char* why = read_extras(from.getExtras(), to)) return why;

    const auto data = from.getColumns();
    ByteCursor cursor{std::as_bytes(std::span{data.begin(), data.size()})};
    PackedColumn column;
    while (!cursor.at_end()) {
      if (!take_packed_column(cursor, column)) return "a column is cut short";
      if (!store(column, to)) return "a column does not unpack";
    }
    for (const Listener& listener : to.listeners) {
      if (listener.comm.bytes.back() != 0) return "a command name is too long";
    }
    // The thread column is relative to the process; indexes are needed for that, so they are checked first.
    if (const char* why = inconsistency(to)) return why;
    for (std::size_t i = 0; i < events; ++i) to.tid[i] += to.listeners[to.listener[i]].pid;
    if (to.ledger) {
      to.ledger->begin += to.clock.monotonic;
      to.ledger->end += to.clock.monotonic;
    }
    if (events != 0 && (to.time.front() != from.getFirstTime() || to.time.back() != from.getLastTime())) {
      return "its time range does not match its times";
    }
    return nullptr;
  }

 private:
  bool store(const PackedColumn& column, Batch& to) {
    const auto listener = [&](auto assign) {
      values_.resize(to.listeners.size());
      if (!unpacker_.unpack(column, std::span{values_})) return false;
      for (std::size_t i = 0; i < values_.size(); ++i) assign(to.listeners[i], values_[i]);
      return true;
    };
    const auto peer = [&](std::size_t offset) {
      values_.resize(to.peers.size());
      if (!unpacker_.unpack(column, std::span{values_})) return false;
      for (std::size_t i = 0; i < values_.size(); ++i) store_big_endian(values_[i], &to.peers[i].bytes[offset]);
      return true;
    };
    const auto event = [&]<typename T>(std::vector<T>& values) { return unpacker_.unpack(column, std::span{values}); };
    const auto shifted_event = [&]<typename T>(std::vector<T>& values) {
      if (!unpacker_.unpack(column, std::span{values})) return false;
      for (T& value : values) value = unshifted(value);
      return true;
    };
    const auto single = [&](auto& value) {
      std::uint64_t one = 0;
      if (!unpacker_.unpack(column, std::span{&one, 1})) return false;
      value = static_cast<std::remove_reference_t<decltype(value)>>(one);
      return true;
    };
    const auto ledger = [&](std::uint64_t Ledger::*field) {
      if (!to.ledger) to.ledger.emplace();
      return single((*to.ledger).*field);
    };

    switch (column.id) {
      case ColumnId::kClockMonotonic: return single(to.clock.monotonic);
      case ColumnId::kClockRealtime: return single(to.clock.realtime);
      case ColumnId::kClockBoottime: return single(to.clock.boottime);
      case ColumnId::kLedgerBegin: return ledger(&Ledger::begin);
      case ColumnId::kLedgerEnd: return ledger(&Ledger::end);
      case ColumnId::kLedgerHits: return ledger(&Ledger::hits);
      case ColumnId::kLedgerMisses: return ledger(&Ledger::misses);
      case ColumnId::kLedgerLost: return ledger(&Ledger::lost);
      case ColumnId::kLedgerFiltered: return ledger(&Ledger::filtered);
      case ColumnId::kLedgerWritten: return ledger(&Ledger::written);
      case ColumnId::kPid:
        return listener([](Listener& l, std::uint64_t v) { l.pid = static_cast<std::uint32_t>(v); });
      case ColumnId::kCommHigh:
        return listener([](Listener& l, std::uint64_t v) { store_big_endian(v, &l.comm.bytes[0]); });
      case ColumnId::kCommLow:
        return listener([](Listener& l, std::uint64_t v) { store_big_endian(v, &l.comm.bytes[8]); });
      case ColumnId::kSaddrHigh:
        return listener([](Listener& l, std::uint64_t v) { store_big_endian(v, &l.saddr.bytes[0]); });
      case ColumnId::kSaddrLow:
        return listener([](Listener& l, std::uint64_t v) { store_big_endian(v, &l.saddr.bytes[8]); });
      case ColumnId::kSport:
        return listener([](Listener& l, std::uint64_t v) { l.sport = static_cast<std::uint16_t>(v); });
      case ColumnId::kFamily:
        return listener([](Listener& l, std::uint64_t v) { l.family = static_cast<std::uint8_t>(v); });
      case ColumnId::kInKernel: return listener([](Listener& l, std::uint64_t v) { l.in_kernel = v != 0; });
      case ColumnId::kProtocol:
        return listener([](Listener& l, std::uint64_t v) { l.protocol = static_cast<std::uint16_t>(v); });
      case ColumnId::kNetns:
        return listener([](Listener& l, std::uint64_t v) { l.netns = static_cast<std::uint32_t>(v); });
      case ColumnId::kCgroup: return listener([](Listener& l, std::uint64_t v) { l.cgroup = v; });
      case ColumnId::kBacklog:
        return listener([](Listener& l, std::uint64_t v) { l.backlog = unshifted(static_cast<std::uint32_t>(v)); });
      case ColumnId::kNspid:
        return listener([](Listener& l, std::uint64_t v) { l.nspid = static_cast<std::uint32_t>(v); });
      case ColumnId::kPeerHigh: return peer(0);
      case ColumnId::kPeerLow: return peer(8);
      case ColumnId::kTime: return event(to.time);
      case ColumnId::kListener: return event(to.listener);
      case ColumnId::kPeer: return event(to.peer);
      case ColumnId::kRport: return event(to.rport);
      case ColumnId::kTid: return event(to.tid);
      case ColumnId::kCpu: return shifted_event(to.cpu);
      case ColumnId::kWait: return shifted_event(to.wait_us);
      case ColumnId::kAhead: return shifted_event(to.ahead);
      case ColumnId::kRtt: return shifted_event(to.rtt_us);
      case ColumnId::kLeft: return shifted_event(to.left);
    }
    return true;  // a newer recorder's column
  }

  ColumnUnpacker unpacker_;
  std::vector<std::uint64_t> values_;
};

// Words a message of this batch needs in plain form, generously: pointers and padding included.
std::size_t plain_words(const Batch& batch) {
  return 128 + batch.size() * 6 + batch.listeners.size() * 16 + batch.peers.size() * 2 + extras_words(batch);
}

}  // namespace

// ---- Encoder ------------------------------------------------------------------------------------------------

struct Encoder::Impl {
  BatchPacker packer;
  std::vector<std::byte> frame;

  // Builds a message with `fill`, in one segment of at most `words` words, and seals it.
  template <typename Fill>
  Bytes seal(std::size_t words, Fill fill) {
    for (;; words *= 2) {
      capnp::MallocMessageBuilder message{static_cast<unsigned>(words)};
      auto root = message.initRoot<::Frame>();
      root.setSync(kSync);
      root.setMinimumReader(kFormatVersion);
      fill(root);
      const auto segments = message.getSegmentsForOutput();
      if (segments.size() != 1) continue;  // the estimate was short; a frame has one segment
      const auto body = segments[0].asBytes();
      frame.resize(kRootOffset + body.size());
      const std::uint32_t table[2] = {0, static_cast<std::uint32_t>(segments[0].size())};
      std::memcpy(frame.data(), table, sizeof table);
      std::memcpy(frame.data() + kRootOffset, body.begin(), body.size());
      const std::uint16_t head = head_checksum(frame);
      std::memcpy(frame.data() + kHeadCheckOffset, &head, sizeof head);
      const std::uint32_t checksum = frame_checksum(frame);
      std::memcpy(frame.data() + kCrcOffset, &checksum, sizeof checksum);
      return frame;
    }
  }
};

Encoder::Encoder() : impl_(std::make_unique<Impl>()) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;

Bytes Encoder::encode(const Start& start) {
  return impl_->seal(1024, [&](::Frame::Builder frame) { write(frame.initStart(), start); });
}

Bytes Encoder::encode(const End& end) {
  return impl_->seal(128, [&](::Frame::Builder frame) { write(frame.initEnd(), end); });
}

Bytes Encoder::encode(const Batch& batch, Packing packing) {
  if (packing == Packing::kPlain) {
    return impl_->seal(plain_words(batch), [&](::Frame::Builder frame) { write(frame.initBatch(), batch); });
  }
  const std::vector<std::byte>& columns = impl_->packer.pack(batch);
  return impl_->seal(32 + columns.size() / 8 + extras_words(batch), [&](::Frame::Builder frame) {
    auto packed = frame.initPacked();
    packed.setEvents(static_cast<std::uint32_t>(batch.size()));
    packed.setListeners(static_cast<std::uint32_t>(batch.listeners.size()));
    packed.setPeers(static_cast<std::uint32_t>(batch.peers.size()));
    if (batch.size() != 0) {
      packed.setFirstTime(batch.time.front());
      packed.setLastTime(batch.time.back());
    }
    packed.setColumns({reinterpret_cast<const capnp::byte*>(columns.data()), columns.size()});
    if (has_extras(batch)) write_extras(packed.initExtras(), batch);
  });
}

// ---- Decoder ------------------------------------------------------------------------------------------------

std::optional<std::size_t> frame_length(Bytes head) {
  if (head.size() < kHeadBytes) return std::nullopt;
  if (load<std::uint64_t>(&head[kSyncOffset]) != kSync) return std::nullopt;
  if (load<std::uint16_t>(&head[kHeadCheckOffset]) != head_checksum(head)) return std::nullopt;
  if (load<std::uint32_t>(&head[0]) != 0) return std::nullopt;
  const std::uint64_t length = kRootOffset + std::uint64_t{load<std::uint32_t>(&head[4])} * 8;
  if (length < kHeadBytes || length > kMaxFrameBytes) return std::nullopt;
  // The root must be a struct right behind its pointer, or the checksum is not where it is expected.
  const auto root = load<std::uint32_t>(&head[kRootOffset]);
  const auto data_words = load<std::uint16_t>(&head[kRootOffset + 4]);
  if (root != 0 || data_words < 2) return std::nullopt;
  return static_cast<std::size_t>(length);
}

struct Decoder::Impl {
  BatchUnpacker unpacker;
  Start start;
  Batch batch;
  End end;
  std::string why;

  Kind fail(Kind kind, std::string reason) {
    why = std::move(reason);
    return kind;
  }

  Kind decode(Bytes bytes) {
    const auto* words = reinterpret_cast<const capnp::word*>(bytes.data());
    const std::size_t count = bytes.size() / sizeof(capnp::word);
    capnp::ReaderOptions options;
    // Every part of an honest frame is visited once; a little more allows for empty structs.
    options.traversalLimitInWords = count + 1024;
    options.nestingLimit = 8;
    capnp::FlatArrayMessageReader message{kj::arrayPtr(words, count), options};
    const auto frame = message.getRoot<::Frame>();
    if (frame.getMinimumReader() > kFormatVersion) {
      return fail(Kind::kUnknown, "it needs a reader of format version " + std::to_string(frame.getMinimumReader()) +
                                      ", this is " + std::to_string(kFormatVersion));
    }
    if (frame.hasStart()) {
      start = read(frame.getStart());
      return Kind::kStart;
    }
    if (frame.hasEnd()) {
      end = read(frame.getEnd());
      return Kind::kEnd;
    }
    if (!frame.hasBatch() && !frame.hasPacked()) return fail(Kind::kUnknown, "it is of a kind this version lacks");
    const char* wrong = frame.hasBatch() ? read(frame.getBatch(), batch) : unpacker.unpack(frame.getPacked(), batch);
    return wrong == nullptr ? Kind::kBatch : fail(Kind::kMalformed, wrong);
  }
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Decoder::Kind Decoder::decode(Bytes frame) {
  try {
    return impl_->decode(frame);
  } catch (const kj::Exception& exception) {
    return impl_->fail(Kind::kMalformed, "it is not valid Cap'n Proto");
  }
}

const Start& Decoder::start() const { return impl_->start; }
const Batch& Decoder::batch() const { return impl_->batch; }
const End& Decoder::end() const { return impl_->end; }
const std::string& Decoder::why() const { return impl_->why; }

const char* inconsistency(const Batch& batch) {
  const std::size_t events = batch.size();
  if (events > kMaxBatchEvents) return "it has too many events";
  for (const std::size_t length : {batch.listener.size(), batch.peer.size(), batch.rport.size(), batch.tid.size(),
                                   batch.cpu.size(), batch.wait_us.size(), batch.ahead.size(), batch.rtt_us.size(),
                                   batch.left.size()}) {
    if (length != events) return "its columns differ in length";
  }
  const auto below = [](const std::vector<std::uint16_t>& indexes, std::size_t limit) {
    std::uint16_t largest = 0;
    for (const std::uint16_t index : indexes) largest = std::max(largest, index);
    return indexes.empty() || largest < limit;
  };
  if (!below(batch.listener, batch.listeners.size())) return "a listener index is out of range";
  if (!below(batch.peer, batch.peers.size())) return "a peer index is out of range";
  if (!std::is_sorted(batch.time.begin(), batch.time.end())) return "its times are out of order";
  return nullptr;
}

}  // namespace tcpaccept::capture
