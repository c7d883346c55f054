#include "capture/packed_batch.h"

#include <algorithm>
#include <bitset>
#include <numeric>

#include "capture/words.h"

namespace tcpaccept::capture {
namespace {

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

enum class Kind { kSingle, kListener, kPeer, kEvent };

Kind kind_of(ColumnId id) {
  if (id >= ColumnId::kTime) return Kind::kEvent;
  if (id >= ColumnId::kPeerHigh) return Kind::kPeer;
  return id >= ColumnId::kPid ? Kind::kListener : Kind::kSingle;
}

// Calls store(column) for each column of `bytes`.
template <typename Store>
const char* each_column(Bytes bytes, const Store& store) {
  ByteCursor cursor{bytes};
  PackedColumn column;
  std::bitset<256> seen;
  while (!cursor.at_end()) {
    if (!take_packed_column(cursor, column)) return "a column is cut short";
    // Three bytes can stand for 65,535 values: a column that repeats could keep us busy for hours.
    if (seen.test(static_cast<std::size_t>(column.id))) return "a column comes twice";
    seen.set(static_cast<std::size_t>(column.id));
    if (!store(column)) return "a column does not unpack";
  }
  return nullptr;
}

}  // namespace

// ---- packing: each call of column() has its counterpart in one of the store functions ---------------------------

void BatchPacker::single(ColumnId id, std::uint64_t value) {
  values_.assign(1, value);
  packer_.pack(id, values_, false, 0, *out_);
}

template <typename Rows, typename Value>
void BatchPacker::column(ColumnId id, const Rows& rows, Value value, bool delta) {
  values_.resize(rows.size());
  std::transform(rows.begin(), rows.end(), values_.begin(), value);
  packer_.pack(id, values_, delta, 0, *out_);
}

Bytes BatchPacker::tables(const Batch& batch) {
  out_ = &tables_;
  out_->clear();
  const ClockAnchor& clock = batch.clock;
  single(ColumnId::kClockMonotonic, clock.monotonic);
  single(ColumnId::kClockRealtime, static_cast<std::uint64_t>(clock.realtime));
  single(ColumnId::kClockBoottime, clock.boottime);
  if (batch.ledger) {
    const Ledger& ledger = *batch.ledger;
    single(ColumnId::kLedgerBegin, ledger.begin - clock.monotonic);
    // Present in every batch with a ledger, whatever its value: it is what says that there is one.
    values_.assign(1, ledger.end - clock.monotonic);
    packer_.pack(ColumnId::kLedgerEnd, values_, false, ~values_[0], *out_);
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
  column(ColumnId::kSaddrHigh, listeners, [](const Listener& l) { return high_half(l.saddr); });
  column(ColumnId::kSaddrLow, listeners, [](const Listener& l) { return low_half(l.saddr); });
  column(ColumnId::kSport, listeners, [](const Listener& l) { return l.sport; });
  column(ColumnId::kFamily, listeners, [](const Listener& l) { return l.family; });
  column(ColumnId::kInKernel, listeners, [](const Listener& l) { return l.in_kernel ? 1u : 0u; });
  column(ColumnId::kProtocol, listeners, [](const Listener& l) { return l.protocol; });
  column(ColumnId::kNetns, listeners, [](const Listener& l) { return l.netns; });
  column(ColumnId::kCgroup, listeners, [](const Listener& l) { return l.cgroup; });
  column(ColumnId::kBacklog, listeners, [](const Listener& l) { return shifted(l.backlog); });
  column(ColumnId::kNspid, listeners, [](const Listener& l) { return l.nspid; });

  order_peers(batch);
  const std::span<const std::uint16_t> order{order_};
  const auto high = [&](std::uint16_t i) { return high_half(batch.peers[i]); };
  const auto low = [&](std::uint16_t i) { return low_half(batch.peers[i]); };
  column(ColumnId::kPeerV4, order.first(peers_v4_), [&](std::uint16_t i) { return low(i) & 0xffffffff; }, true);
  column(ColumnId::kPeerHigh, order.subspan(peers_v4_), high, sorted_);
  column(ColumnId::kPeerLow, order.subspan(peers_v4_), low);
  return *out_;
}

Bytes BatchPacker::columns(const Batch& batch) {
  out_ = &columns_;
  out_->clear();
  column(ColumnId::kTime, batch.time, [](std::uint64_t t) { return t; }, true);
  column(ColumnId::kListener, batch.listener, [](std::uint16_t i) { return i; });
  column(ColumnId::kPeer, batch.peer, [&](std::uint16_t i) { return rank_[i]; });
  column(ColumnId::kRport, batch.rport, [](std::uint16_t p) { return p; });
  values_.resize(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    values_[i] = batch.tid[i] - batch.listeners[batch.listener[i]].pid;
  }
  packer_.pack(ColumnId::kTid, values_, false, 0, *out_);
  column(ColumnId::kCpu, batch.cpu, [](std::uint16_t c) { return shifted(c); });
  column(ColumnId::kWait, batch.wait_us, [](std::uint64_t w) { return shifted(w); });
  column(ColumnId::kAhead, batch.ahead, [](std::uint32_t a) { return shifted(a); });
  column(ColumnId::kRtt, batch.rtt_us, [](std::uint32_t r) { return shifted(r); });
  column(ColumnId::kLeft, batch.left, [](std::uint32_t l) { return shifted(l); });
  return *out_;
}

// Few peers cost least in ascending order (small steps), IPv4 by itself; many, each seen once or twice, in order of
// appearance (the index column is then nearly a counter).
void BatchPacker::order_peers(const Batch& batch) {
  order_.resize(batch.peers.size());
  std::iota(order_.begin(), order_.end(), std::uint16_t{0});
  sorted_ = batch.peers.size() <= batch.size() / 2;
  peers_v4_ = 0;
  if (sorted_) {
    const auto is_v4 = [&](std::uint16_t i) { return batch.peers[i].is_v4(); };
    const auto rest = std::partition(order_.begin(), order_.end(), is_v4);
    peers_v4_ = static_cast<std::size_t>(rest - order_.begin());
    // Numbers that carry their index sort three times as fast as indexes that are looked up.
    values_.resize(peers_v4_);
    std::transform(order_.begin(), rest, values_.begin(),
                   [&](std::uint16_t i) { return (low_half(batch.peers[i]) & 0xffffffff) << 16 | i; });
    std::sort(values_.begin(), values_.end());
    std::transform(values_.begin(), values_.end(), order_.begin(),
                   [](std::uint64_t value) { return static_cast<std::uint16_t>(value); });
    std::sort(rest, order_.end(), [&](std::uint16_t a, std::uint16_t b) { return batch.peers[a] < batch.peers[b]; });
  }
  rank_.resize(order_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) rank_[order_[i]] = static_cast<std::uint16_t>(i);
}

// ---- unpacking ----------------------------------------------------------------------------------------------

const char* BatchUnpacker::listeners(Bytes tables, Batch& to) {
  const char* why = each_column(tables, [&](const PackedColumn& column) {
    switch (kind_of(column.id)) {
      case Kind::kSingle: return store_single(column, to);
      case Kind::kListener: return store_listener(column, to);
      default: return true;
    }
  });
  if (why != nullptr) return why;
  for (const Listener& listener : to.listeners) {
    if (listener.comm.bytes.back() != 0) return "a command name is too long";
  }
  if (to.ledger) {
    to.ledger->begin += to.clock.monotonic;
    to.ledger->end += to.clock.monotonic;
  }
  return nullptr;
}

const char* BatchUnpacker::peers(Bytes tables, std::size_t v4, Batch& to) {
  if (v4 > to.peers.size()) return "it has more IPv4 peers than peers";
  constexpr std::uint64_t kMapped = 0x0000ffff00000000;
  std::fill_n(to.peers.begin(), v4, make_address(0, kMapped));
  const auto store = [&](const PackedColumn& column, std::size_t begin, std::size_t end, const auto& assign) {
    values_.resize(end - begin);
    if (!unpacker_.unpack(column, std::span{values_})) return false;
    for (std::size_t i = begin; i < end; ++i) assign(to.peers[i], values_[i - begin]);
    return true;
  };
  return each_column(tables, [&](const PackedColumn& column) {
    switch (column.id) {
      case ColumnId::kPeerV4:
        return store(column, 0, v4, [](IpAddress& peer, std::uint64_t value) {
          peer = make_address(0, kMapped | (value & 0xffffffff));
        });
      case ColumnId::kPeerHigh:
        return store(column, v4, to.peers.size(),
                     [](IpAddress& peer, std::uint64_t value) { store_big_endian(value, &peer.bytes[0]); });
      case ColumnId::kPeerLow:
        return store(column, v4, to.peers.size(),
                     [](IpAddress& peer, std::uint64_t value) { store_big_endian(value, &peer.bytes[8]); });
      default: return true;
    }
  });
}

const char* BatchUnpacker::columns(Bytes columns, Columns wanted, std::size_t events, std::size_t peers, Batch& to) {
  if ((wanted & columns_of(ColumnId::kTid)) != 0) wanted |= columns_of(ColumnId::kListener);
  // A column that is left out holds nothing but its default.
  const auto prepare = [&](ColumnId id, auto& values, auto otherwise) {
    values.assign((wanted & columns_of(id)) != 0 ? events : 0, otherwise);
  };
  prepare(ColumnId::kTime, to.time, std::uint64_t{0});
  prepare(ColumnId::kListener, to.listener, std::uint16_t{0});
  prepare(ColumnId::kPeer, to.peer, std::uint16_t{0});
  prepare(ColumnId::kRport, to.rport, std::uint16_t{0});
  prepare(ColumnId::kTid, to.tid, std::uint32_t{0});
  prepare(ColumnId::kCpu, to.cpu, kNotRecorded16);
  prepare(ColumnId::kWait, to.wait_us, kNotRecorded64);
  prepare(ColumnId::kAhead, to.ahead, kNotRecorded32);
  prepare(ColumnId::kRtt, to.rtt_us, kNotRecorded32);
  prepare(ColumnId::kLeft, to.left, kNotRecorded32);
  const char* why = each_column(columns, [&](const PackedColumn& column) {
    return kind_of(column.id) != Kind::kEvent || store_event(column, wanted, to);
  });
  if (why != nullptr) return why;
  if (const char* wrong = inconsistency(to, wanted, events, peers)) return wrong;
  // The thread column is relative to the process.
  for (std::size_t i = 0; i < to.tid.size(); ++i) to.tid[i] += to.listeners[to.listener[i]].pid;
  return nullptr;
}

bool BatchUnpacker::store_single(const PackedColumn& column, Batch& to) {
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
    default: return true;  // a newer recorder's column
  }
}

bool BatchUnpacker::store_listener(const PackedColumn& column, Batch& to) {
  const auto listener = [&](auto assign) {
    values_.resize(to.listeners.size());
    if (!unpacker_.unpack(column, std::span{values_})) return false;
    for (std::size_t i = 0; i < values_.size(); ++i) assign(to.listeners[i], values_[i]);
    return true;
  };
  switch (column.id) {
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
    default: return true;
  }
}

bool BatchUnpacker::store_event(const PackedColumn& column, Columns wanted, Batch& to) {
  if (column.id > ColumnId::kLeft || (wanted & columns_of(column.id)) == 0) return true;
  const auto event = [&]<typename T>(std::vector<T>& values) { return unpacker_.unpack(column, std::span{values}); };
  const auto shifted_event = [&]<typename T>(std::vector<T>& values) {
    if (!unpacker_.unpack(column, std::span{values})) return false;
    for (T& value : values) value = unshifted(value);
    return true;
  };
  switch (column.id) {
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
    default: return true;
  }
}

const char* inconsistency(const Batch& batch, Columns wanted, std::size_t events, std::size_t peers) {
  const auto wrong_length = [&](ColumnId id, const auto& column) {
    return column.size() != ((wanted & columns_of(id)) != 0 ? events : 0);
  };
  if (wrong_length(ColumnId::kTime, batch.time) || wrong_length(ColumnId::kListener, batch.listener) ||
      wrong_length(ColumnId::kPeer, batch.peer) || wrong_length(ColumnId::kRport, batch.rport) ||
      wrong_length(ColumnId::kTid, batch.tid) || wrong_length(ColumnId::kCpu, batch.cpu) ||
      wrong_length(ColumnId::kWait, batch.wait_us) || wrong_length(ColumnId::kAhead, batch.ahead) ||
      wrong_length(ColumnId::kRtt, batch.rtt_us) || wrong_length(ColumnId::kLeft, batch.left)) {
    return "its columns differ in length";
  }
  const auto below = [](const std::vector<std::uint16_t>& indexes, std::size_t limit) {
    std::uint16_t largest = 0;
    for (const std::uint16_t index : indexes) largest = std::max(largest, index);
    return indexes.empty() || largest < limit;
  };
  if (!below(batch.listener, batch.listeners.size())) return "a listener index is out of range";
  if (!below(batch.peer, peers)) return "a peer index is out of range";
  if (!std::is_sorted(batch.time.begin(), batch.time.end())) return "its times are out of order";
  return nullptr;
}

}  // namespace tcpaccept::capture
