#include "capture/codec.h"

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <cstring>

#include "capture/crc32c.h"
#include "capture/format.h"
#include "capture/packed_batch.h"
#include "capture/words.h"
#include "formats/capture.capnp.h"

namespace tcpaccept::capture {
namespace {

// ---- small conversions, pairwise ----------------------------------------------------------------------------

capnp::Text::Reader text(const std::string& from) { return {from.c_str(), from.size()}; }
std::string text(capnp::Text::Reader from) { return {from.begin(), from.size()}; }

void write(::Clock::Builder to, const ClockAnchor& from) {
  to.setMonotonic(from.monotonic);
  to.setRealtime(from.realtime);
  to.setBoottime(from.boottime);
}
ClockAnchor value_of(::Clock::Reader from) { return {from.getMonotonic(), from.getRealtime(), from.getBoottime()}; }

void write(::Ledger::Builder to, const Ledger& from) {
  to.setBegin(from.begin);
  to.setEnd(from.end);
  to.setHits(from.hits);
  to.setMisses(from.misses);
  to.setLost(from.lost);
  to.setFiltered(from.filtered);
  to.setWritten(from.written);
}
Ledger value_of(::Ledger::Reader from) {
  return {.begin = from.getBegin(),
          .end = from.getEnd(),
          .hits = from.getHits(),
          .misses = from.getMisses(),
          .lost = from.getLost(),
          .filtered = from.getFiltered(),
          .written = from.getWritten()};
}

void write(::Address::Builder to, const IpAddress& from) {
  to.setHigh(high_half(from));
  to.setLow(low_half(from));
}
IpAddress value_of(::Address::Reader from) { return make_address(from.getHigh(), from.getLow()); }

// `to` is as long as the list.
void read_addresses(capnp::List<::Address>::Reader from, std::vector<IpAddress>& to) {
  if (from.size() == 0) return;
  // Getters cost more than what is done with an address; side by side, as this version writes them, they are words.
  const capnp::AnyStruct::Reader first = from[0];
  if (first.getDataSection().size() == sizeof(IpAddress) && first.getPointerSection().size() == 0) {
    const auto raw = capnp::AnyList::Reader(from).getRawBytes();
    const std::byte* at = reinterpret_cast<const std::byte*>(raw.begin());
    for (IpAddress& address : to) {
      address = make_address(load<std::uint64_t>(at), load<std::uint64_t>(at + 8));
      at += sizeof(IpAddress);
    }
    return;
  }
  for (unsigned i = 0; i < from.size(); ++i) to[i] = value_of(from[i]);
}

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
  to.saddr = value_of(from.getSaddr());
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
Start value_of(::Start::Reader from) {
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
  to.clock = value_of(from.getClock());
  return to;
}

void write(::End::Builder to, const End& from) {
  write(to.initClock(), from.clock);
  to.setWritten(from.written);
  to.setBatches(from.batches);
  to.setReason(text(from.reason));
  to.setProbeUnproved(from.unproved.probe);
  to.setMissesUncounted(from.unproved.misses);
  to.setLossesUncounted(from.unproved.losses);
  to.setSwitchesUnwatched(from.unproved.switches);
}
End value_of(::End::Reader from) {
  return {.clock = value_of(from.getClock()),
          .written = from.getWritten(),
          .batches = from.getBatches(),
          .reason = text(from.getReason()),
          .unproved = {.probe = from.getProbeUnproved(),
                       .misses = from.getMissesUncounted(),
                       .losses = from.getLossesUncounted(),
                       .switches = from.getSwitchesUnwatched()}};
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
  if (from.size() == 0 || from.size() > kMaxBatchEvents) {
    to.assign(from.size() == 0 ? events : 0, absent);  // too long is as wrong as too short
    return;
  }
  to.resize(from.size());
  for (unsigned i = 0; i < from.size(); ++i) to[i] = from[i];
}

void write_columns(::Batch::Builder to, const Batch& from) {
  const auto length = [](const auto& rows) { return static_cast<unsigned>(rows.size()); };
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
}

void write_tables(::Batch::Builder to, const Batch& from) {
  const auto length = [](const auto& rows) { return static_cast<unsigned>(rows.size()); };
  write(to.initClock(), from.clock);
  if (from.ledger) write(to.initLedger(), *from.ledger);
  auto listeners = to.initListeners(length(from.listeners));
  for (unsigned i = 0; i < from.listeners.size(); ++i) write(listeners[i], from.listeners[i]);
  auto peers = to.initPeers(length(from.peers));
  for (unsigned i = 0; i < from.peers.size(); ++i) write(peers[i], from.peers[i]);
}

const char* read_listeners(::Batch::Reader from, Batch& to) {
  to.clock = value_of(from.getClock());
  if (from.hasLedger()) to.ledger = value_of(from.getLedger());
  const auto listeners = from.getListeners();
  if (listeners.size() > kMaxBatchEvents) return "a table is too long";
  to.listeners.resize(listeners.size());
  for (unsigned i = 0; i < listeners.size(); ++i) {
    if (!read(listeners[i], to.listeners[i])) return "a command name is too long";
  }
  return nullptr;
}

const char* read_columns(::Batch::Reader from, Columns wanted, std::size_t events, std::size_t peers, Batch& to) {
  const auto column = [&](ColumnId id, auto list, auto& values, auto otherwise) {
    values.clear();
    if ((wanted & columns_of(id)) != 0) read_column(list, values, events, otherwise);
  };
  column(ColumnId::kTime, from.getTime(), to.time, std::uint64_t{0});
  column(ColumnId::kListener, from.getListener(), to.listener, kNotRecorded16);
  column(ColumnId::kPeer, from.getPeer(), to.peer, kNotRecorded16);
  column(ColumnId::kRport, from.getRport(), to.rport, std::uint16_t{0});
  column(ColumnId::kTid, from.getTid(), to.tid, std::uint32_t{0});
  column(ColumnId::kCpu, from.getCpu(), to.cpu, kNotRecorded16);
  column(ColumnId::kWait, from.getWaitUs(), to.wait_us, kNotRecorded64);
  column(ColumnId::kAhead, from.getAhead(), to.ahead, kNotRecorded32);
  column(ColumnId::kRtt, from.getRttUs(), to.rtt_us, kNotRecorded32);
  column(ColumnId::kLeft, from.getLeft(), to.left, kNotRecorded32);
  return inconsistency(to, wanted, events, peers);
}

// Words a message of this batch needs in plain form, generously: pointers and padding included.
std::size_t plain_words(const Batch& batch) {
  return 128 + batch.size() * 6 + batch.listeners.size() * 16 + batch.peers.size() * 2 + extras_words(batch);
}

}  // namespace

// ---- Encoder ------------------------------------------------------------------------------------------------

struct Encoder::Impl {
  BatchPacker packer;
  std::vector<std::byte> frame;

  // Builds a message with `fill`, in one segment of at most `words` words, and seals it. `fill` returns how many words of
  // the segment are its index part, 0 for none.
  template <typename Fill>
  Bytes seal(std::size_t words, std::uint16_t minimum_reader, Fill fill) {
    for (;; words *= 2) {
      capnp::MallocMessageBuilder message{static_cast<unsigned>(words)};
      auto root = message.initRoot<::Frame>();
      root.setSync(kSync);
      root.setMinimumReader(minimum_reader);
      const std::size_t index_words = fill(message, root);
      const auto segments = message.getSegmentsForOutput();
      if (segments.size() != 1) continue;  // the estimate was short; a frame has one segment
      const auto body = segments[0].asBytes();
      frame.resize(kRootOffset + body.size());
      const std::uint32_t table[2] = {0, static_cast<std::uint32_t>(segments[0].size())};
      std::memcpy(frame.data(), table, sizeof table);
      std::memcpy(frame.data() + kRootOffset, body.begin(), body.size());
      const std::uint16_t head = head_checksum(frame);
      std::memcpy(frame.data() + kHeadCheckOffset, &head, sizeof head);
      if (index_words != 0) {
        const auto index = static_cast<std::uint32_t>(kRootOffset + index_words * sizeof(capnp::word));
        std::memcpy(frame.data() + kIndexLengthOffset, &index, sizeof index);
        const std::uint32_t checksum = index_checksum(Bytes{frame}.first(index));
        std::memcpy(frame.data() + kIndexCrcOffset, &checksum, sizeof checksum);
      }
      const std::uint32_t checksum = frame_checksum(frame);
      std::memcpy(frame.data() + kCrcOffset, &checksum, sizeof checksum);
      return frame;
    }
  }
};

namespace {

// Words in use so far; what is asked for before the columns are allocated is the index part.
std::size_t words_used(capnp::MallocMessageBuilder& message) {
  const auto segments = message.getSegmentsForOutput();
  return segments.size() == 1 ? segments[0].size() : 1;  // 1: to be thrown away
}

// What both forms say about themselves in the same words.
template <typename Builder>
void write_span(Builder to, const Batch& from) {
  to.setEvents(static_cast<std::uint32_t>(from.size()));
  if (from.size() != 0) {
    to.setFirstTime(from.time.front());
    to.setLastTime(from.time.back());
  }
  to.setFirstEvent(from.first_event);
  to.setOpen(from.open);
  if (has_extras(from)) write_extras(to.initExtras(), from);
}

}  // namespace

Encoder::Encoder() : impl_(std::make_unique<Impl>()) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;

Bytes Encoder::encode(const Start& start) {
  return impl_->seal(1024, 1, [&](auto&, ::Frame::Builder frame) {
    write(frame.initStart(), start);
    return std::size_t{0};
  });
}

Bytes Encoder::encode(const End& end) {
  return impl_->seal(128, 1, [&](auto&, ::Frame::Builder frame) {
    write(frame.initEnd(), end);
    return std::size_t{0};
  });
}

Bytes Encoder::encode(const Batch& batch, Packing packing) {
  if (packing == Packing::kPlain) {
    return impl_->seal(plain_words(batch), kFormatVersion, [&](auto& message, ::Frame::Builder frame) {
      auto plain = frame.initBatch();
      write_span(plain, batch);
      write_tables(plain, batch);
      const std::size_t index = words_used(message);
      write_columns(plain, batch);
      return index;
    });
  }
  const Bytes tables = impl_->packer.tables(batch);
  const Bytes columns = impl_->packer.columns(batch);
  const std::size_t words = 64 + (tables.size() + columns.size()) / 8 + extras_words(batch);
  return impl_->seal(words, kFormatVersion, [&](auto& message, ::Frame::Builder frame) {
    auto packed = frame.initPacked();
    packed.setListeners(static_cast<std::uint32_t>(batch.listeners.size()));
    packed.setPeers(static_cast<std::uint32_t>(batch.peers.size()));
    write_span(packed, batch);
    const auto data = [](Bytes bytes) {
      return capnp::Data::Reader{reinterpret_cast<const capnp::byte*>(bytes.data()), bytes.size()};
    };
    packed.setTables(data(tables));
    packed.setPeersV4(static_cast<std::uint32_t>(impl_->packer.peers_v4()));
    const std::size_t index = words_used(message);
    packed.setColumns(data(columns));
    return index;
  });
}

// ---- Decoder ------------------------------------------------------------------------------------------------

namespace {
constexpr const char* kNotCapnp = "it is not valid Cap'n Proto";
}

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

std::size_t index_length(Bytes head, std::size_t frame_length) {
  if (head.size() < kIndexHeadBytes || load<std::uint16_t>(&head[kRootOffset + 4]) < 3) return 0;
  const auto length = load<std::uint32_t>(&head[kIndexLengthOffset]);
  return length >= kIndexHeadBytes && length <= frame_length && length % 8 == 0 ? length : 0;
}

struct Decoder::Impl {
  BatchUnpacker unpacker;
  // Of the frame decoded last. Its bytes are not ours.
  kj::ArrayPtr<const capnp::word> segments[1];
  std::optional<capnp::SegmentArrayMessageReader> message;
  Start start;
  BatchFrame batch;
  Batch tables;
  End end;
  std::string why;

  Kind fail(Kind kind, std::string reason) {
    why = std::move(reason);
    return kind;
  }

  ::Frame::Reader frame() { return message->getRoot<::Frame>(); }

  Kind decode(Bytes bytes) {
    const auto* words = reinterpret_cast<const capnp::word*>(bytes.data());
    const std::size_t count = bytes.size() / sizeof(capnp::word);
    capnp::ReaderOptions options;
    // Every part of an honest frame is visited once or twice; a little more allows for empty structs.
    options.traversalLimitInWords = 2 * count + 1024;
    options.nestingLimit = 8;
    // The segment table speaks of the whole frame; here may be its index part only.
    segments[0] = kj::arrayPtr(words + 1, count - 1);
    message.emplace(kj::arrayPtr(segments, 1), options);
    const auto root = frame();
    if (root.getMinimumReader() > kFormatVersion) {
      return fail(Kind::kUnknown, "it needs a reader of format version " + std::to_string(root.getMinimumReader()) +
                                      ", this is " + std::to_string(kFormatVersion));
    }
    if (root.hasStart() + root.hasEnd() + root.hasBatch() + root.hasPacked() > 1) {
      return fail(Kind::kMalformed, "it is of two kinds");
    }
    if (root.hasStart()) {
      start = value_of(root.getStart());
      return Kind::kStart;
    }
    if (root.hasEnd()) {
      end = value_of(root.getEnd());
      return Kind::kEnd;
    }
    if (!root.hasBatch() && !root.hasPacked()) return fail(Kind::kUnknown, "it is of a kind this version lacks");
    const char* wrong = root.hasBatch() ? read_tables(root.getBatch()) : read_tables(root.getPacked());
    return wrong == nullptr ? Kind::kBatch : fail(Kind::kMalformed, wrong);
  }

  template <typename Form>
  const char* read_span(Form from) {
    tables.clear();
    batch.tables = &tables;
    batch.events = from.getEvents();
    batch.first_time = from.getFirstTime();
    batch.last_time = from.getLastTime();
    tables.first_event = from.getFirstEvent();
    tables.open = from.getOpen();
    if (batch.events > kMaxBatchEvents) return "it has too many events";
    if (batch.last_time < batch.first_time) return "its times are out of order";
    return read_extras(from.getExtras(), tables);
  }

  const char* read_tables(::PackedBatch::Reader from) {
    if (const char* wrong = read_span(from)) return wrong;
    if (from.getListeners() > kMaxBatchEvents || from.getPeers() > kMaxBatchEvents) return "a table is too long";
    batch.peers = from.getPeers();
    tables.listeners.resize(from.getListeners());
    return unpacker.listeners(packed_tables(from), tables);
  }

  const char* read_tables(::Batch::Reader from) {
    if (const char* wrong = read_span(from)) return wrong;
    batch.peers = from.getPeers().size();
    if (batch.peers > kMaxBatchEvents) return "a table is too long";
    if (frame().getMinimumReader() < 2) {  // it did not say
      const auto time = from.getTime();
      if (time.size() > kMaxBatchEvents) return "it has too many events";
      batch.events = time.size();
      batch.first_time = time.size() != 0 ? time[0] : 0;
      batch.last_time = time.size() != 0 ? time[time.size() - 1] : 0;
    }
    return read_listeners(from, tables);
  }

  static Bytes bytes_of(capnp::Data::Reader data) { return std::as_bytes(std::span{data.begin(), data.size()}); }
  // In version 1 one sequence of columns holds all.
  static Bytes packed_tables(::PackedBatch::Reader from) {
    return bytes_of(from.hasTables() ? from.getTables() : from.getColumns());
  }

  const char* read_peers(Batch& to) {
    const auto root = frame();
    to.peers.resize(batch.peers);
    if (root.hasPacked()) return unpacker.peers(packed_tables(root.getPacked()), root.getPacked().getPeersV4(), to);
    read_addresses(root.getBatch().getPeers(), to.peers);
    return nullptr;
  }

  const char* read_columns(Columns wanted, Batch& to) {
    const auto root = frame();
    const char* wrong = root.hasBatch()
                            ? capture::read_columns(root.getBatch(), wanted, batch.events, batch.peers, to)
                            : unpacker.columns(bytes_of(root.getPacked().getColumns()), wanted, batch.events, batch.peers, to);
    if (wrong != nullptr) return wrong;
    if (!to.time.empty() && (to.time.front() != batch.first_time || to.time.back() != batch.last_time)) {
      return "its time range does not match its times";
    }
    return nullptr;
  }
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Decoder::Kind Decoder::decode(Bytes frame) {
  try {
    return impl_->decode(frame);
  } catch (const kj::Exception&) {
    return impl_->fail(Kind::kMalformed, kNotCapnp);
  }
}

bool Decoder::read(Columns wanted, Batch& to) {
  const char* wrong = kNotCapnp;
  try {
    std::swap(to, impl_->tables);
    impl_->batch.tables = &to;
    const char* in_peers = (wanted & columns_of(ColumnId::kPeer)) != 0 ? impl_->read_peers(to) : nullptr;
    wrong = in_peers != nullptr ? in_peers : impl_->read_columns(wanted, to);
  } catch (const kj::Exception&) {
  }
  if (wrong != nullptr) impl_->fail(Kind::kMalformed, wrong);
  return wrong == nullptr;
}

bool Decoder::read_peers() {
  const char* wrong = kNotCapnp;
  try {
    wrong = impl_->read_peers(impl_->tables);
  } catch (const kj::Exception&) {
  }
  if (wrong != nullptr) impl_->fail(Kind::kMalformed, wrong);
  return wrong == nullptr;
}

const Start& Decoder::start() const { return impl_->start; }
const BatchFrame& Decoder::batch() const { return impl_->batch; }
const End& Decoder::end() const { return impl_->end; }
const std::string& Decoder::why() const { return impl_->why; }

}  // namespace tcpaccept::capture
