#include "report/csv_capture.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "capture/batch_builder.h"
#include "capture/codec.h"
#include "text/csv_accepts.h"

namespace tcpaccept::report {
namespace {

// Paths of a batch's cgroups, in bytes: far below what fits a frame.
constexpr std::size_t kMaxPaths = std::size_t{1} << 20;

capture::ClockAnchor clock_of(const text::CsvAccept& row) {
  return {.monotonic = row.accept.time, .realtime = row.wall, .boottime = row.accept.time};
}

class CsvCapture {
 public:
  CsvCapture(std::string name, text::CsvReader::Read read) : rows_(std::move(name), std::move(read)) {}

  std::size_t read(std::byte* to, std::size_t size) {
    if (ready_.empty()) make_frame();
    const std::size_t count = std::min(size, ready_.size());
    std::copy_n(ready_.begin(), count, to);
    ready_ = ready_.subspan(count);
    return count;
  }

 private:
  // The next frame, or nothing after the last.
  void make_frame() {
    if (!started_) {
      started_ = true;
      rows_.read_header();
      any_ = rows_.next(row_);
      ready_ = encoder_.encode(start());
    } else if (any_) {
      ready_ = encoder_.encode(batch(), capture::Packing::kPlain);
      ++batches_;
    } else if (!ended_) {
      ended_ = true;
      ready_ = encoder_.encode(
          capture::End{.clock = clock_, .written = written_, .batches = batches_, .reason = "end of the CSV"});
    }
  }

  capture::Start start() const {
    capture::Start start;
    start.recorder = "tcpaccept-report " TCPACCEPT_VERSION " --from-csv";
    start.probe.notes = {"made from CSV, which holds accepts only: host, probe, losses and gaps are not known"};
    if (any_) start.clock = clock_of(row_);
    return start;
  }

  const capture::Batch& batch() {
    builder_.clear();
    paths_.clear();
    path_bytes_ = 0;
    const capture::ClockAnchor first = clock_of(row_);
    do {
      builder_.add(row_.accept);
      if (paths_.try_emplace(row_.accept.listener.cgroup, row_.cgroup_path).second) path_bytes_ += row_.cgroup_path.size();
      clock_ = clock_of(row_);
      any_ = rows_.next(row_);
    } while (any_ && fits(first));
    capture::Batch& batch = builder_.finish(clock_, std::nullopt);
    batch.first_event = written_;
    batch.cgroups.clear();
    for (const auto& [id, path] : paths_) {
      if (!path.empty()) batch.cgroups.push_back({id, path});
    }
    written_ += batch.size();
    return batch;
  }

  // The row can go into the batch under way.
  bool fits(const capture::ClockAnchor& first) const {
    if (builder_.size() >= capture::kDefaultBatchEvents || path_bytes_ >= kMaxPaths) return false;
    if (row_.accept.time < clock_.monotonic || first.wall(row_.accept.time) != row_.wall) return false;
    const auto known = paths_.find(row_.accept.listener.cgroup);
    return known == paths_.end() || known->second == row_.cgroup_path;
  }

  text::CsvAccepts rows_;
  capture::Encoder encoder_;
  capture::BatchBuilder builder_;
  Bytes ready_;  // of the frame under way
  bool started_ = false;
  bool ended_ = false;
  text::CsvAccept row_;  // the next one, if
  bool any_ = false;
  capture::ClockAnchor clock_;  // of the row before it
  std::uint64_t written_ = 0;
  std::uint64_t batches_ = 0;
  // Of the batch under way.
  std::map<std::uint64_t, std::string> paths_;  // "" = none is known
  std::size_t path_bytes_ = 0;
};

}  // namespace

capture::Source capture_from_csv(std::string name, text::CsvReader::Read read) {
  const auto made = std::make_shared<CsvCapture>(std::move(name), std::move(read));
  return {.read = [made](std::byte* to, std::size_t size) { return made->read(to, size); }};
}

}  // namespace tcpaccept::report
