#include "summary/by_listener.h"

#include <algorithm>
#include <bit>

#include "text/escape.h"
#include "text/fields.h"
#include "text/wall_time.h"

namespace tcpaccept::summary {
namespace {

enum Field : std::size_t {
  kKind, kComm, kComms, kSaddr, kSport, kProtocol, kNetns, kPid, kPids, kAccepts, kPerSecond, kRemotes, kRemotesExact,
  kFirst, kLast, kAheadMax, kBacklog, kWaitP50, kWaitP99, kWaitMax, kInput, kLost, kMissed, kAtMost, kReason, kFields
};

// In the order of the enumeration; new ones are appended.
constexpr std::array<SheetColumn, kFields> kColumns{{
    {"kind"},
    {"comm", "COMM"},
    {"comms"},
    {"saddr", "SADDR"},
    {"sport", "SPORT"},
    {"protocol", "PROTO"},
    {"netns", "NETNS"},
    {"pid", "PID"},
    {"pids"},
    {"accepts", "ACCEPTS", true},
    {"per_second", "RATE/s", true},
    {"remotes", "REMOTES", true},
    {"remotes_exact"},
    {"first", "FIRST(UTC)"},
    {"last", "LAST(UTC)"},
    {"ahead_max", "AHEAD", true},
    {"backlog", "LIMIT", true},
    {"wait_p50_us", "WAIT p50", true},
    {"wait_p99_us", "p99", true},
    {"wait_max_us", "max", true},
    {"input"},
    {"lost"},
    {"missed"},
    {"at_most"},
    {"reason"},
}};

std::string protocol_text(std::uint16_t protocol) {
  std::array<char, 16 + text::kScribble> to;
  return {to.data(), text::put_protocol(to.data(), protocol)};
}

std::string with_estimate_mark(std::uint64_t count, bool exact) { return (exact ? "" : "~") + std::to_string(count); }

// Accepts a second over a shorter time mean nothing.
constexpr double kShortest = 0.001;

// Of stored values that are one more than what they mean, 0 for nothing.
Cell recorded(std::uint64_t stored) { return stored == 0 ? Cell{} : number(stored - 1); }

Cell wait_cell(std::uint64_t microseconds) {
  Cell cell = number(microseconds);
  cell.shown = short_time(microseconds);
  return cell;
}

Cell optional_number(const std::optional<std::uint64_t>& value) { return value ? number(*value) : Cell{}; }

double seconds_between(std::int64_t first, std::int64_t last) {
  return (static_cast<double>(last) - static_cast<double>(first)) / 1e9;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many, bool exact = true) {
  return with_estimate_mark(count, exact) + " " + std::string(count == 1 ? one : many);
}

}  // namespace

capture::Columns ByListener::columns() const {
  using capture::ColumnId;
  return capture::columns_of(ColumnId::kTime, ColumnId::kListener, ColumnId::kPeer, ColumnId::kWait, ColumnId::kAhead);
}

void ByListener::Figures::add_name(const Comm& comm, std::uint64_t times) {
  Name* place = std::find_if(names.begin(), names.end(),
                             [&](const Name& name) { return name.accepts != 0 && name.comm == comm; });
  if (place == names.end()) {
    commands.add(key_of(comm));
    // Space-saving: a name that comes back takes over what the rarest one had.
    place = std::min_element(names.begin(), names.end(),
                             [](const Name& a, const Name& b) { return a.accepts < b.accepts; });
    place->comm = comm;
  }
  place->accepts += times;
}

const Comm& ByListener::Figures::name() const {
  return std::max_element(names.begin(), names.end(), [](const Name& a, const Name& b) {
           return a.accepts < b.accepts;
         })->comm;
}

std::uint64_t ByListener::Figures::remotes() const {
  std::uint64_t bits = more_addresses.count();
  for (const std::uint64_t word : addresses) bits += static_cast<std::uint64_t>(std::popcount(word));
  return bits;
}

void ByListener::Figures::add(const Figures& other) {
  accepts += other.accepts;
  first = std::min(first, other.first);
  last = std::max(last, other.last);
  peak = std::max(peak, other.peak);
  backlog = std::max(backlog, other.backlog);
  longest = std::max(longest, other.longest);
  waits.add(other.waits);
}

void ByListener::add(const capture::Batch& batch, text::Selection rows) {
  const bool all = rows.size() == batch.size();
  locals_.assign(batch.listeners.size(), {});
  seen_.assign(batch.peers.size(), 0);
  all ? count<true>(batch, rows) : count<false>(batch, rows);
  const bool numbered = number_addresses(batch);
  find_figures(batch);
  if (all) {
    numbered ? collect<true, true>(batch, rows) : collect<true, false>(batch, rows);
  } else {
    numbered ? collect<false, true>(batch, rows) : collect<false, false>(batch, rows);
  }
  settle(batch, rows);
}

// What the second look at the rows has to have room for.
template <bool kAll>
void ByListener::count(const capture::Batch& batch, text::Selection rows) {
  std::uint64_t longest = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = kAll ? i : rows[i];
    ++locals_[batch.listener[row]].accepts;
    seen_[batch.peer[row]] = 1;
    longest = std::max(longest, batch.wait_us[row] + 1);  // not recorded: 0
  }
  longest_ = longest;
}

bool ByListener::number_addresses(const capture::Batch& batch) {
  numbers_.resize(batch.peers.size());
  hashes_.resize(batch.peers.size());
  bool all = true;
  for (std::size_t i = 0; i < batch.peers.size(); ++i) {
    if (seen_[i] == 0) continue;
    const Key key = key_of(batch.peers[i]);
    numbers_[i] = addresses_.add(key);
    if (numbers_[i] != KeyIndex::kNone) continue;
    all = false;
    hashes_[i] = spread(key);
    more_addresses_.add(hashes_[i]);
  }
  return all;
}

void ByListener::find_figures(const capture::Batch& batch) {
  for (std::size_t i = 0; i < locals_.size(); ++i) {
    Local& local = locals_[i];
    if (local.accepts == 0) continue;
    const Listener& listener = batch.listeners[i];
    local.number = listeners_.add(listener_key(listener));
    if (local.number == KeyIndex::kNone) {
      number_of_others_.add(spread(listener_key(listener)));
    } else if (local.number == figures_.size()) {
      figures_.emplace_back();
      figures_.back().pid = listener.pid;
      shown_.push_back(listener);
    }
    Figures& figures = figures_of(local);
    figures.accepts += local.accepts;
    figures.backlog = std::max(figures.backlog, listener.backlog + 1);
    figures.add_name(listener.comm, local.accepts);
    figures.processes.add({listener.pid, listener.netns, 0});
  }
  // From here on nothing moves.
  const std::size_t words_needed = (addresses_.size() + 63) / 64;
  for (Local& local : locals_) {
    if (local.accepts == 0) continue;
    Figures& figures = figures_of(local);
    if (figures.addresses.size() < words_needed) figures.addresses.resize(words_needed);
    local.addresses = figures.addresses.data();
    local.waits = figures.waits.places_up_to(longest_ == 0 ? 0 : longest_ - 1);
    local.more_addresses = &figures.more_addresses;
  }
}

template <bool kAll, bool kNumbered>
void ByListener::collect(const capture::Batch& batch, text::Selection rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = kAll ? i : rows[i];
    Local& local = locals_[batch.listener[row]];
    const std::uint32_t peer = batch.peer[row];
    const std::uint32_t address = numbers_[peer];
    if (kNumbered || address != KeyIndex::kNone) {
      local.addresses[address / 64] |= std::uint64_t{1} << (address % 64);
    } else {
      local.more_addresses->add(hashes_[peer]);
    }
    const std::uint64_t wait = batch.wait_us[row];
    const std::size_t place = Histogram::place_of(wait);
    ++local.waits[wait == kNotRecorded64 ? Histogram::kNoValue : place];
    local.longest = std::max(local.longest, wait + 1);
    local.peak = std::max(local.peak, batch.ahead[row] + 1);
    local.last_row = static_cast<std::uint32_t>(row);
  }
}

// Several processes of the batch can be of one listener.
void ByListener::settle(const capture::Batch& batch, text::Selection rows) {
  const std::int64_t begin = batch.clock.wall(batch.time[rows.front()]);
  bool any_first = false;
  for (const Local& local : locals_) {
    if (local.accepts == 0) continue;
    Figures& figures = figures_of(local);
    figures.longest = std::max(figures.longest, local.longest);
    figures.peak = std::max(figures.peak, local.peak);
    figures.last = std::max(figures.last, batch.clock.wall(batch.time[local.last_row]));
    any_first = any_first || begin < figures.first;
  }
  // Seldom, as batches mostly come in order: listeners that are new, or whose first accept lies in this batch.
  if (!any_first) return;
  for (const std::uint32_t row : rows) {
    Figures& figures = figures_of(locals_[batch.listener[row]]);
    figures.first = std::min(figures.first, batch.clock.wall(batch.time[row]));
  }
}

std::vector<Cell> ByListener::row(std::string_view kind, const Figures& figures, const Listener* listener,
                                  double seconds) const {
  std::vector<Cell> row(kFields);
  row[kKind] = words(kind);
  if (listener != nullptr) {
    const std::uint64_t names = figures.commands.count();
    const Comm& name = figures.name();
    row[kComm] = words(name.view());
    if (names > 1) row[kComm].shown = text::escaped(name.view()) + " +" + std::to_string(names - 1);
    row[kComms] = number(names);
    row[kSaddr] = words(to_string(listener->saddr));
    row[kSport] = number(std::uint64_t{listener->sport});
    if (listener->protocol != 0) row[kProtocol] = words(protocol_text(listener->protocol));
    if (listener->netns != 0) row[kNetns] = number(std::uint64_t{listener->netns});
    const std::uint64_t processes = figures.processes.count();
    row[kPid] = number(std::uint64_t{figures.pid});
    if (processes > 1) row[kPid].shown = with_estimate_mark(processes, figures.processes.exact()) + " pids";
    row[kPids] = number(processes);
  }
  row[kAccepts] = number(figures.accepts);
  if (seconds >= kShortest) row[kPerSecond] = number(static_cast<double>(figures.accepts) / seconds, 3);
  row[kRemotes] = number(figures.remotes());
  const bool exact = figures.more_addresses.empty();
  row[kRemotes].shown = with_estimate_mark(figures.remotes(), exact);
  row[kRemotesExact] = flag(exact);
  if (figures.accepts != 0) {
    const std::string first = text::wall_text(figures.first, 0);
    const std::string last = text::wall_text(figures.last, 0);
    constexpr std::size_t kDate = std::string_view{"2026-11-23T"}.size();
    row[kFirst] = words(text::wall_text(figures.first), first);
    row[kLast] = words(text::wall_text(figures.last),
                       first.substr(0, kDate) == last.substr(0, kDate) ? last.substr(kDate) : last);
  }
  row[kAheadMax] = recorded(figures.peak);
  row[kBacklog] = recorded(figures.backlog);
  if (figures.longest != 0) {
    const std::uint64_t longest = figures.longest - 1;
    row[kWaitP50] = wait_cell(std::min(longest, figures.waits.value_at(0.5)));
    row[kWaitP99] = wait_cell(std::min(longest, figures.waits.value_at(0.99)));
    row[kWaitMax] = wait_cell(longest);
  }
  return row;
}

void ByListener::write_sheet(Sheet& sheet, const Figures& total, const Holes& holes) const {
  const double seconds = total.accepts == 0 ? 0 : seconds_between(total.first, total.last);
  std::vector<std::uint32_t> order(figures_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return figures_[a].accepts != figures_[b].accepts ? figures_[a].accepts > figures_[b].accepts
                                                      : listeners_[a] < listeners_[b];
  });
  for (const std::uint32_t i : order) sheet.add(row("listener", figures_[i], &shown_[i], seconds));
  if (others_.accepts != 0) {
    std::vector<Cell> others = row("others", others_, nullptr, seconds);
    others[kComm].shown = "(~" + std::to_string(number_of_others_.count()) + " others)";
    sheet.add(std::move(others));
  }
  if (sheet.format() == text::Format::kTable) return;
  std::vector<Cell> sum = row("total", total, nullptr, seconds);
  sum[kRemotes] = number(addresses_.size() + more_addresses_.count());
  sum[kRemotesExact] = flag(more_addresses_.empty());
  sheet.add(std::move(sum));
  for (const Hole& hole : holes.list) {
    std::vector<Cell> cells(kFields);
    cells[kKind] = words("hole");
    cells[kFirst] = words(text::wall_text(hole.begin));
    cells[kLast] = words(text::wall_text(hole.end));
    cells[kInput] = words(hole.input);
    cells[kLost] = optional_number(hole.lost);
    cells[kMissed] = optional_number(hole.missed);
    cells[kAtMost] = optional_number(hole.at_most);
    if (!hole.reason.empty()) cells[kReason] = words(hole.reason);
    sheet.add(std::move(cells));
  }
}

void ByListener::say_totals(Sheet& sheet, const Figures& total, const Holes& holes) const {
  std::string line = "total: " + counted(total.accepts, "accept", "accepts");
  if (total.accepts != 0) {
    const std::uint64_t others = number_of_others_.count();
    const double seconds = seconds_between(total.first, total.last);
    line += " on " + counted(listeners_.size() + others, "listener", "listeners", others == 0) + " from " +
            counted(addresses_.size() + more_addresses_.count(), "address", "addresses", more_addresses_.empty()) +
            " in " + number(seconds, 3).text + " s";
    if (seconds >= kShortest) line += ", " + number(static_cast<double>(total.accepts) / seconds, 1).text + " a second";
  }
  sheet.say(line);
  for (const Hole& hole : holes.list) {
    std::string text = "hole: " + hole.input + ": " + text::wall_text(hole.begin, 3) + " to " +
                       text::wall_text(hole.end, 3) + ": ";
    if (hole.lost && hole.missed) {
      text += std::to_string(*hole.lost) + " lost, " + std::to_string(*hole.missed) + " missed by the probe";
    }
    sheet.say(text + hole.reason);
  }
  if (holes.more != 0) sheet.say("hole: " + std::to_string(holes.more) + " more");
  if (holes.list.empty()) sheet.say(holes.complete ? "holes: none known" : "holes: no times known, but it is not complete");
  const bool estimated = !more_addresses_.empty() || number_of_others_.count() != 0;
  if (estimated) sheet.say("~ is an estimate, to within some percent");
}

void ByListener::write(text::Format format, const Holes& holes, const Emit& emit) {
  Figures total;
  for (const Figures& figures : figures_) total.add(figures);
  total.add(others_);
  Sheet sheet(format, kColumns, emit);
  // What is the same everywhere says nothing.
  const auto uniform = [&](auto field) {
    return std::all_of(shown_.begin(), shown_.end(),
                       [&](const Listener& listener) { return listener.*field == shown_.front().*field; });
  };
  if (uniform(&Listener::protocol)) sheet.hide(kProtocol);
  if (uniform(&Listener::netns)) sheet.hide(kNetns);
  write_sheet(sheet, total, holes);
  sheet.flush();
  say_totals(sheet, total, holes);
}

}  // namespace tcpaccept::summary
