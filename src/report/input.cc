#include "report/input.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "report/csv_capture.h"
#include "text/escape.h"

namespace tcpaccept::report {
namespace {

// `head`, then what `rest` reads.
capture::Source behind(std::string head, capture::Source rest) {
  if (head.empty()) return rest;
  struct Head {
    std::string bytes;
    std::size_t at = 0;
  };
  const auto front = std::make_shared<Head>(Head{.bytes = std::move(head)});
  return {.read = [front, read = std::move(rest.read)](std::byte* to, std::size_t size) -> std::size_t {
            const std::size_t count = std::min(front->bytes.size() - front->at, size);
            if (count == 0) return read(to, size);
            std::memcpy(to, front->bytes.data() + front->at, count);
            front->at += count;
            return count;
          },
          .skip = [front, skip = std::move(rest.skip)](std::uint64_t count) {
            return front->at == front->bytes.size() && skip && skip(count);
          }};
}

class ReaderSource final : public ItemSource {
 public:
  // `source` reads from `own`, or from what is borrowed. `size`: of the capture in it, 0 = not known.
  ReaderSource(UniqueFd own, capture::Source source, bool live, std::uint64_t size)
      : own_(std::move(own)), live_(live), size_(size), reader_(std::move(source)) {}

  capture::FrameReader::Item next() override { return reader_.next(); }
  capture::FrameReader& reader() override { return reader_; }
  std::uint64_t offset() const override { return reader_.offset(); }
  std::uint64_t size() const override { return size_; }
  bool live() const override { return live_; }

 private:
  UniqueFd own_;
  bool live_;
  std::uint64_t size_;
  capture::FrameReader reader_;
};

// The recorder writes its last, unfinished batch anew as it grows: whenever the file has changed, what follows its last
// finished frame is read again.
class FollowSource final : public ItemSource {
 public:
  FollowSource(UniqueFd fd, const std::string& name)
      : fd_(std::move(fd)), follower_(fd_.get(), name), reader_(capture::read_from(fd_.get(), name)) {}

  capture::FrameReader::Item next() override {
    for (;;) {
      interrupted_ = interrupted_ || follower_.interrupted();  // there may be much to catch up with
      if (interrupted_) return capture::EndOfInput{};
      const capture::FrameReader::Item item = reader_.next();
      const auto* damage = std::get_if<const capture::Damage*>(&item);
      // Only now it is known whether the batch before was intact.
      const std::uint64_t behind = std::exchange(behind_batch_, 0);
      if (behind != 0 && (damage == nullptr || base_ + (*damage)->offset >= behind)) {
        finished_ = behind;
        doubted_ = false;
      }
      if (const auto* batch = std::get_if<const capture::BatchFrame*>(&item)) {
        ended_ = false;
        // A final batch is right behind the one before it; it is first written further on.
        unfinished_ = unfinished_ || (*batch)->tables->open != 0 || base_ + reader_.begin() != finished_;
        if (!unfinished_) behind_batch_ = base_ + reader_.offset();
        return item;
      }
      const bool torn = damage != nullptr && ((*damage)->tail || unfinished_);
      if (damage != nullptr && !torn && !doubted_) {
        // The recorder may be writing just there. It takes a moment; damage stays.
        constexpr int kMoment = 300;
        doubted_ = true;
        follower_.wait(finished_, kMoment);
        restart();
        continue;
      }
      if (!torn && !std::holds_alternative<capture::EndOfInput>(item)) {
        ended_ = std::holds_alternative<const capture::End*>(item);
        doubted_ = false;
        if (!unfinished_) finished_ = base_ + reader_.offset();
        return placed(item);
      }
      // The end for now, or a frame that is being written.
      if (ended_ && !torn) return item;
      if (torn && !(*damage)->tail) continue;
      follower_.wait(finished_);
      restart();
    }
  }
  capture::FrameReader& reader() override { return reader_; }
  std::uint64_t offset() const override { return base_ + reader_.offset(); }
  bool live() const override { return true; }
  bool interrupted() const override { return interrupted_; }

 private:
  // With its offset in the file.
  capture::FrameReader::Item placed(const capture::FrameReader::Item& item) {
    if (const auto* damage = std::get_if<const capture::Damage*>(&item)) {
      damage_ = **damage;
      damage_.offset += base_;
      return &damage_;
    }
    if (const auto* unknown = std::get_if<const capture::UnknownFrame*>(&item)) {
      unknown_ = **unknown;
      unknown_.offset += base_;
      return &unknown_;
    }
    return item;
  }

  void restart() {
    reader_ = capture::FrameReader(follower_.read_from(finished_));
    base_ = finished_;
    unfinished_ = false;
  }

  UniqueFd fd_;
  Follower follower_;
  capture::FrameReader reader_;
  std::uint64_t base_ = 0;      // offset in the file at which reader_ began
  std::uint64_t finished_ = 0;  // offset after the last frame that stays as it is
  std::uint64_t behind_batch_ = 0;  // offset after the batch returned last, if it follows that; 0 = none does
  bool unfinished_ = false;     // reader_ is past that
  bool doubted_ = false;        // what looked like damage was read once more
  bool ended_ = false;
  bool interrupted_ = false;
  capture::Damage damage_;
  capture::UnknownFrame unknown_;
};

}  // namespace

std::string display_name(const std::string& name) { return name == "-" ? "standard input" : text::escaped(name); }

OpenFile open_file(const std::string& name, int standard_input, bool follow) {
  OpenFile file{.fd = standard_input, .name = display_name(name)};
  const std::string& shown = file.name;
  if (name != "-") {
    // Without O_NONBLOCK a named pipe would be waited for before it can be refused.
    file.own.reset(::open(name.c_str(), O_RDONLY | O_CLOEXEC | (follow ? O_NONBLOCK : 0)));
    if (!file.own.valid()) throw system_error("cannot open " + shown, errno);
    file.fd = file.own.get();
  }
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) throw system_error("cannot open " + shown, errno);
  if (S_ISDIR(status.st_mode)) throw Error(shown + ": is a directory, not a capture");
  const bool regular = S_ISREG(status.st_mode);
  if (follow && (!regular || !file.own.valid())) {
    throw Error(shown + ": only a regular file can be followed", Exit::kUsage);
  }
  file.live = !regular;
  file.size = regular ? static_cast<std::uint64_t>(status.st_size) : 0;
  return file;
}

std::unique_ptr<ItemSource> source_of(OpenFile file, bool follow, std::string head) {
  if (follow) return std::make_unique<FollowSource>(std::move(file.own), file.name);
  capture::Source source = behind(std::move(head), capture::read_from(file.fd, std::move(file.name)));
  return std::make_unique<ReaderSource>(std::move(file.own), std::move(source), file.live, file.size);
}

std::unique_ptr<ItemSource> csv_source_of(OpenFile file) {
  const auto read = [bytes = capture::read_from(file.fd, file.name)](char* to, std::size_t most) {
    return bytes.read(reinterpret_cast<std::byte*>(to), most);
  };
  capture::Source source = capture_from_csv(std::move(file.name), read);
  return std::make_unique<ReaderSource>(std::move(file.own), std::move(source), file.live, 0);
}

struct Input::Work {
  std::vector<std::uint64_t> bytes;  // words: Cap'n Proto wants them aligned
  std::size_t length = 0;
  std::uint64_t offset = 0;  // of the frame in the input
  std::size_t weight = 0;
  std::uint32_t events = 0;
  std::uint32_t from = 0;
  capture::ClockAnchor clock;
  std::uint64_t first_time = 0;
  std::uint64_t last_time = 0;
  capture::WideTime first_accept = 0;
  capture::Columns columns = 0;
  std::optional<Filter> filter;
  const Anonymizing* anonymizing = nullptr;
  anonymize::TimeShift shift;
  Workers::Task task;

  std::string wrong;  // "" = the batch is good
  capture::Batch batch;
  std::vector<std::uint32_t> rows;

  Spoilt spoilt() const {
    return {.damage = {offset, length, wrong, false},
            .clock = clock,
            .first_time = first_time,
            .last_time = last_time,
            .events = events - from};
  }

  void run() {
    run(Bytes{reinterpret_cast<const std::byte*>(bytes.data()), length}, batch, rows);
    if (!rows.empty()) anonymize();
  }

  // The batch, as the filter let it pass.
  void anonymize() {
    if (anonymizing == nullptr) return;
    if (anonymizing->witness != nullptr) anonymizing->witness->note(batch);
    // One for each thread: what it needs for a batch is large.
    static thread_local std::optional<anonymize::Anonymizer> anonymizer;
    if (!anonymizer || anonymizer->settings() != anonymizing->settings) anonymizer.emplace(anonymizing->settings);
    anonymizer->apply(batch, shift);
  }

  void run(Bytes frame, capture::Batch& to, std::vector<std::uint32_t>& selected) {
    // One for each thread: what it needs to unpack a batch is large.
    static thread_local capture::Decoder decoder;
    wrong.clear();
    selected.clear();
    const auto read = [&](capture::Columns wanted) {
      return decoder.decode(frame) == capture::Decoder::Kind::kBatch && decoder.read(wanted, to);
    };
    // What the filter looks at is little; often no row is wanted, and nothing else. Times cost as much as all the rest.
    const capture::Columns first = filter->columns();
    const bool look = first != 0 && (first & capture::columns_of(capture::ColumnId::kTime)) == 0;
    bool good = true;
    if (look) {
      good = read(first);
      if (good) filter->select(to, from, events, first_accept, selected);
      if (good && selected.empty()) return;
    }
    good = good && read(columns);
    if (good && !look) filter->select(to, from, events, first_accept, selected);
    if (!good) {
      selected.clear();
      wrong = "a frame is malformed: " + decoder.why();
    }
  }
};

namespace {

// What may be under way, in bytes; strangers' batches can be a hundred times larger than honest ones.
constexpr std::size_t kMaxAhead = std::size_t{16} << 20;
// Memory of a batch larger than this is not kept for the next one.
constexpr std::size_t kMaxSpare = std::size_t{4} << 20;

// So many rows of a frugal input are decoded at a time.
constexpr std::size_t kSlice = 2048;

// Some rows of a batch as a batch of its own, with those peers only.
void take_slice(const capture::Batch& from, text::Selection rows, capture::Batch& to) {
  to.clear();
  to.listeners = from.listeners;
  to.cgroups = from.cgroups;
  to.clock = from.clock;
  const auto gather = [&](const auto& column, auto& out) {
    if (column.empty()) return;
    out.reserve(kSlice);
    for (const std::uint32_t row : rows) out.push_back(column[row]);
  };
  gather(from.time, to.time);
  gather(from.listener, to.listener);
  gather(from.rport, to.rport);
  gather(from.tid, to.tid);
  gather(from.cpu, to.cpu);
  gather(from.wait_us, to.wait_us);
  gather(from.ahead, to.ahead);
  gather(from.rtt_us, to.rtt_us);
  gather(from.left, to.left);
  if (from.peer.empty()) return;
  constexpr std::uint16_t kNone = 0xffff;
  static thread_local std::vector<std::uint16_t> moved;
  moved.assign(from.peers.size(), kNone);
  to.peer.reserve(kSlice);
  for (const std::uint32_t row : rows) {
    std::uint16_t& index = moved[from.peer[row]];
    if (index == kNone) {
      index = static_cast<std::uint16_t>(to.peers.size());
      to.peers.push_back(from.peers[from.peer[row]]);
    }
    to.peer.push_back(index);
  }
}

std::size_t weight_of(const capture::BatchFrame& batch, std::size_t length) {
  return length + batch.events * std::size_t{48} + batch.tables->listeners.size() * sizeof(Listener) +
         batch.peers * sizeof(IpAddress);
}

}  // namespace

Input::Input(const std::string& name, std::unique_ptr<ItemSource> source, FilterSpec filter, Timeline& timeline,
             Workers& workers, Observer observer)
    : name_(display_name(name)),
      source_(std::move(source)),
      filter_(std::move(filter)),
      // The merge and the first row shown need times.
      columns_(filter_.columns() | capture::columns_of(capture::ColumnId::kTime)),
      timeline_(timeline),
      workers_(workers),
      totals_(std::move(observer)) {}

Input::~Input() {
  for (const auto& work : ahead_) {
    try {
      workers_.wait(work->task);
    } catch (...) {
    }
  }
}

capture::FrameReader::Item Input::take_item() {
  if (seen_) return *std::exchange(seen_, std::nullopt);
  const capture::FrameReader::Item item = source_->next();
  const bool at_end = std::holds_alternative<capture::EndOfInput>(item);
  if (source_->interrupted()) {
    totals_.stop(offset());
    return item;
  }
  if (at_end && source_->reader().nothing_intact()) {
    if (offset() == 0) throw Error(name_ + ": is empty, not a tcpaccept capture");
    throw Error(name_ + ": is not a tcpaccept capture");
  }
  if (const auto* start = std::get_if<const capture::Start*>(&item)) {
    begin_session((*start)->boot_id);
  } else if (std::holds_alternative<const capture::End*>(item)) {
    in_session_ = false;
  } else if (const auto* batch = std::get_if<const capture::BatchFrame*>(&item)) {
    if (!in_session_ || totals_.begins_unseen_session(**batch)) begin_session("");
  }
  return item;
}

void Input::begin_session(const std::string& boot_id) {
  timeline_.note_session(boot_id);
  in_session_ = true;
  if (anonymizing_ != nullptr) shift_ = anonymize::shift_of(anonymizing_->settings, boot_id);
}

void Input::open() {
  for (;;) {
    const capture::FrameReader::Item item = take_item();
    if (std::holds_alternative<const capture::Damage*>(item) ||
        std::holds_alternative<const capture::UnknownFrame*>(item)) {
      totals_.add(item, offset());
      continue;
    }
    if (std::holds_alternative<const capture::Start*>(item)) {
      totals_.add(item, offset());
    } else {
      seen_ = item;
    }
    return;
  }
}

const capture::BatchFrame* Input::next_batch() {
  for (;;) {
    const capture::FrameReader::Item item = take_item();
    if (const auto* batch = std::get_if<const capture::BatchFrame*>(&item)) return *batch;
    totals_.add(item, offset());
    if (std::holds_alternative<capture::EndOfInput>(item)) {
      seen_ = item;  // the end stays the end
      return nullptr;
    }
  }
}

bool Input::find_first_accept(Instant& first) {
  while (const capture::BatchFrame* batch = next_batch()) {
    if (source_->reader().frame().empty()) continue;
    if (batch->events == 0) {
      totals_.add(batch, offset());
      continue;
    }
    seen_ = batch;
    first = {.monotonic = batch->first_time, .wall = batch->tables->clock.wall(batch->first_time)};
    return true;
  }
  return false;
}

// The batch stays where the reader has it; the slice of it that is shown is ours.
bool Input::advance_frugally() {
  static thread_local capture::Batch whole;
  static thread_local std::vector<std::uint32_t> selected;
  if (current_ == nullptr) current_ = make_work();
  Work& work = *current_;
  for (;;) {
    Bytes frame;
    if (next_row_ < all_rows_) {
      frame = source_->reader().frame();
    } else {
      const capture::BatchFrame* batch = next_batch();
      if (batch == nullptr) return false;
      frame = account(*batch, work);
      next_row_ = all_rows_ = 0;
    }
    if (frame.empty()) continue;
    work.run(frame, whole, selected);
    if (!work.wrong.empty()) {
      totals_.spoil(work.spoilt());
      next_row_ = all_rows_ = 0;
      continue;
    }
    all_rows_ = selected.size();
    if (next_row_ >= all_rows_) continue;
    const std::size_t count = std::min(kSlice, all_rows_ - next_row_);
    take_slice(whole, text::Selection{selected}.subspan(next_row_, count), work.batch);
    next_row_ += count;
    work.rows.resize(count);
    std::iota(work.rows.begin(), work.rows.end(), 0u);
    work.anonymize();
    return true;
  }
}

bool Input::advance() {
  if (frugal_) return advance_frugally();
  if (current_ != nullptr) {
    // Somebody else may still hold it.
    if (current_.use_count() == 1 && current_->weight <= kMaxSpare) spare_.push_back(std::move(current_));
    current_.reset();
  }
  for (;;) {
    read_ahead();
    if (ahead_.empty()) {
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
      return false;
    }
    std::shared_ptr<Work> work = std::move(ahead_.front());
    ahead_.pop_front();
    ahead_bytes_ -= work->weight;
    workers_.wait(work->task);
    if (!work->wrong.empty()) {
      totals_.spoil(work->spoilt());
    } else if (!work->rows.empty()) {
      current_ = std::move(work);
      return true;
    }
    if (work->weight <= kMaxSpare) spare_.push_back(std::move(work));
  }
}

const capture::Batch& Input::batch() const { return current_->batch; }
text::Selection Input::rows() const { return current_->rows; }
std::shared_ptr<const void> Input::hold() const {
  if (frugal_) return nullptr;  // it is overwritten by the next slice
  return current_;
}

// A live input is read one batch at a time: the next one may be long in coming.
void Input::read_ahead() {
  const std::size_t depth = live() ? 1 : workers_.depth();
  while (!at_end_ && ahead_.size() < depth && (ahead_.empty() || ahead_bytes_ < kMaxAhead)) {
    try {
      const capture::BatchFrame* batch = next_batch();
      at_end_ = batch == nullptr;
      if (batch != nullptr) add_work(*batch);
    } catch (const Error&) {  // what was read before is still to be shown
      failure_ = std::current_exception();
      at_end_ = true;
    }
  }
}

bool Input::may_match(const capture::BatchFrame& batch, capture::WideTime first_accept) {
  if (filter_.spec().empty()) return true;
  if (!filter_.may_match(batch, first_accept, false)) return false;
  if (!filter_.needs_peers()) return true;
  // Peers that cannot be read make it a damage, which frame() finds.
  return !source_->reader().read_peers() || filter_.may_match(batch, first_accept, true);
}

// Accounts for a batch. Its frame, if rows of it may be wanted, and what is to be done with it; else nothing.
Bytes Input::account(const capture::BatchFrame& batch, Work& work) {
  const capture::WideTime first_accept = timeline_.on_batch(first_accept_, batch.tables->clock);
  const bool wanted = batch.events != 0 && may_match(batch, first_accept);
  Bytes frame;
  // The account of an open batch counts only if all of it is intact: there may be another form of it.
  if (wanted || batch.tables->open != 0) {
    frame = source_->reader().frame();
    if (frame.empty()) return {};
  }
  totals_.add(&batch, offset());
  const std::uint32_t from = totals_.repeated();
  if (!wanted || from == batch.events) return {};
  work.length = frame.size();
  work.offset = offset() - frame.size();
  work.weight = weight_of(batch, frame.size());
  work.events = batch.events;
  work.from = from;
  work.clock = batch.tables->clock;
  work.first_time = batch.first_time;
  work.last_time = batch.last_time;
  work.first_accept = first_accept;
  work.columns = columns_;
  work.shift = shift_;
  return frame;
}

void Input::add_work(const capture::BatchFrame& batch) {
  std::shared_ptr<Work> work = make_work();
  const Bytes frame = account(batch, *work);
  if (frame.empty()) {
    spare_.push_back(std::move(work));
    return;
  }
  work->bytes.resize(frame.size() / 8);
  std::copy(frame.begin(), frame.end(), reinterpret_cast<std::byte*>(work->bytes.data()));
  ahead_.push_back(std::move(work));
  ahead_bytes_ += ahead_.back()->weight;
  workers_.submit(ahead_.back()->task);
}

std::shared_ptr<Input::Work> Input::make_work() {
  if (!spare_.empty()) {
    std::shared_ptr<Work> work = std::move(spare_.back());
    spare_.pop_back();
    return work;
  }
  auto work = std::make_shared<Work>();
  work->filter.emplace(filter_.spec());
  work->anonymizing = anonymizing_;
  work->task.work = [work = work.get()] { work->run(); };
  return work;
}

void Input::drain(const std::function<void(const capture::Batch&, std::uint32_t from)>& each) {
  capture::Batch batch;
  while (const capture::BatchFrame* frame = next_batch()) {
    if (!source_->reader().read(capture::kAllColumns, batch)) continue;
    totals_.add(frame, offset());
    totals_.add_events(batch);
    each(batch, totals_.repeated());
  }
}

}  // namespace tcpaccept::report
