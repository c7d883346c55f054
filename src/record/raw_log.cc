#include "record/raw_log.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <fcntl.h>
#include <kj/exception.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "formats/raw.capnp.h"

namespace tcpaccept::record {
namespace {

capnp::Data::Reader data(Bytes from) { return {reinterpret_cast<const capnp::byte*>(from.data()), from.size()}; }
capnp::Data::Reader data(const std::string& from) { return data(std::as_bytes(std::span{from})); }

std::vector<std::byte> bytes(capnp::Data::Reader from) {
  const auto* begin = reinterpret_cast<const std::byte*>(from.begin());
  return {begin, begin + from.size()};
}
std::string text(capnp::Data::Reader from) { return {reinterpret_cast<const char*>(from.begin()), from.size()}; }

RawSetup read(::Setup::Reader from) {
  RawSetup to;
  to.start_frame = bytes(from.getStart());
  for (const auto format : from.getFormats()) to.decoder.formats.push_back(text(format));
  to.decoder.layout.cgroup = from.getCgroup();
  to.decoder.probe_address = from.getProbeAddress();
  to.pump.settle = from.getSettle();
  to.pump.batch_events = from.getBatchEvents();
  to.pump.reopen = from.getReopen();
  to.pump.flush_interval = from.getFlushInterval();
  to.pump.max_events = from.getMaxEvents();
  return to;
}

RawRound read(::Round::Reader from) {
  RawRound to;
  to.clock = {from.getMonotonic(), from.getRealtime(), from.getBoottime()};
  to.counts = {.hits = from.getHits(), .lost = from.getKernelLost(), .misses = from.getProbeMisses()};
  for (const auto cpu : from.getLostByCpu()) to.counts.lost_by_cpu.push_back({cpu.getCpu(), cpu.getLost()});
  for (const auto gap : from.getGaps()) {
    to.gaps.push_back({.begin = gap.getBegin(),
                       .end = gap.getEnd(),
                       .cpu = gap.getCpu(),
                       .reason = static_cast<GapReason>(gap.getReason()),
                       .at_most = gap.getAtMost()});
  }
  for (const auto process : from.getProcesses()) to.processes.push_back({process.getPid(), process.getNspid()});
  for (const auto cgroup : from.getCgroups()) to.cgroups.push_back({cgroup.getId(), text(cgroup.getPath())});
  for (const std::uint32_t pid : from.getEnded()) to.ended.push_back(pid);
  for (const auto chunk : from.getChunks()) to.chunks.push_back({chunk.getCpu(), bytes(chunk.getRecords())});
  return to;
}

}  // namespace

RawLogWriter::RawLogWriter(const std::string& path) : path_(path) {
  fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd_.valid()) throw system_error("cannot create " + path, errno);
}

template <typename Fill>
void RawLogWriter::message(Fill fill) {
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<::Raw>());
  const auto words = capnp::messageToFlatArray(message);
  auto rest = words.asBytes();
  while (rest.size() != 0) {
    const ssize_t written = ::write(fd_.get(), rest.begin(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error("cannot write " + path_, errno);
    rest = rest.slice(static_cast<std::size_t>(written), rest.size());
  }
}

void RawLogWriter::write(const RawSetup& setup) {
  message([&](::Raw::Builder raw) {
    auto to = raw.initSetup();
    to.setStart(data(Bytes{setup.start_frame}));
    auto formats = to.initFormats(static_cast<unsigned>(setup.decoder.formats.size()));
    for (unsigned i = 0; i < setup.decoder.formats.size(); ++i) formats.set(i, data(setup.decoder.formats[i]));
    to.setCgroup(setup.decoder.layout.cgroup);
    to.setProbeAddress(setup.decoder.probe_address);
    to.setSettle(setup.pump.settle);
    to.setBatchEvents(static_cast<std::uint32_t>(setup.pump.batch_events));
    to.setReopen(setup.pump.reopen);
    to.setFlushInterval(setup.pump.flush_interval);
    to.setMaxEvents(setup.pump.max_events);
  });
}

void RawLogWriter::write(const RawRound& round) {
  message([&](::Raw::Builder raw) {
    auto to = raw.initRound();
    to.setMonotonic(round.clock.monotonic);
    to.setRealtime(round.clock.realtime);
    to.setBoottime(round.clock.boottime);
    to.setHits(round.counts.hits);
    to.setKernelLost(round.counts.lost);
    to.setProbeMisses(round.counts.misses);
    auto chunks = to.initChunks(static_cast<unsigned>(round.chunks.size()));
    for (unsigned i = 0; i < round.chunks.size(); ++i) {
      chunks[i].setCpu(round.chunks[i].cpu);
      chunks[i].setRecords(data(Bytes{round.chunks[i].records}));
    }
    const auto length = [](const auto& rows) { return static_cast<unsigned>(rows.size()); };
    auto losses = to.initLostByCpu(length(round.counts.lost_by_cpu));
    for (unsigned i = 0; i < losses.size(); ++i) {
      losses[i].setCpu(round.counts.lost_by_cpu[i].cpu);
      losses[i].setLost(round.counts.lost_by_cpu[i].lost);
    }
    auto gaps = to.initGaps(length(round.gaps));
    for (unsigned i = 0; i < gaps.size(); ++i) {
      gaps[i].setBegin(round.gaps[i].begin);
      gaps[i].setEnd(round.gaps[i].end);
      gaps[i].setAtMost(round.gaps[i].at_most);
      gaps[i].setCpu(round.gaps[i].cpu);
      gaps[i].setReason(static_cast<std::uint16_t>(round.gaps[i].reason));
    }
    auto processes = to.initProcesses(length(round.processes));
    for (unsigned i = 0; i < processes.size(); ++i) {
      processes[i].setPid(round.processes[i].pid);
      processes[i].setNspid(round.processes[i].nspid);
    }
    auto cgroups = to.initCgroups(length(round.cgroups));
    for (unsigned i = 0; i < cgroups.size(); ++i) {
      cgroups[i].setId(round.cgroups[i].id);
      cgroups[i].setPath(data(round.cgroups[i].path));
    }
    auto ended = to.initEnded(length(round.ended));
    for (unsigned i = 0; i < ended.size(); ++i) ended.set(i, round.ended[i]);
  });
}

void RawLogWriter::write(const RawFinish& finish) {
  message([&](::Raw::Builder raw) { raw.initFinish().setReason(finish.reason.c_str()); });
}

void read_raw_log(Bytes log, const RawLogVisitor& visitor) {
  // Cap'n Proto wants aligned words; the log is small enough to copy.
  std::vector<capnp::word> words(log.size() / sizeof(capnp::word));
  if (!words.empty()) std::memcpy(words.data(), log.data(), words.size() * sizeof(capnp::word));
  auto rest = kj::arrayPtr(words.data(), words.size());
  try {
    while (rest.size() != 0) {
      capnp::FlatArrayMessageReader message{rest};
      const auto raw = message.getRoot<::Raw>();
      if (raw.hasSetup()) visitor.setup(read(raw.getSetup()));
      if (raw.hasRound()) visitor.round(read(raw.getRound()));
      if (raw.hasFinish()) visitor.finish({raw.getFinish().getReason().cStr()});
      rest = rest.slice(static_cast<std::size_t>(message.getEnd() - rest.begin()), rest.size());
    }
  } catch (const kj::Exception& exception) {
    throw Error{std::string{"not a raw log: "} + exception.getDescription().cStr()};
  }
}

}  // namespace tcpaccept::record
