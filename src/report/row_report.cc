#include "report/row_report.h"

#include <algorithm>
#include <utility>

namespace tcpaccept::report {
namespace {

// Rows between two looks at the output buffer.
constexpr std::size_t kRowsPerStep = 256;

// Texts of a batch with more listeners are made once, here: each thread would remember as many.
constexpr std::size_t kManyListeners = 8192;

// More memory than this is not kept for the next piece.
constexpr std::size_t kMaxSpare = std::size_t{4} << 20;

}  // namespace

RowReport::RowReport(MakeWriter make_writer, std::size_t rows_per_piece, std::size_t inputs, const Timeline& timeline,
                     Workers& workers, Output& output)
    : make_writer_(std::move(make_writer)),
      rows_per_piece_(rows_per_piece),
      timeline_(timeline),
      workers_(workers),
      output_(output) {
  for (std::size_t i = 0; i < inputs; ++i) writers_.push_back(make_writer_());
}

RowReport::~RowReport() {
  for (const auto& formatting : under_way_) {
    try {
      workers_.wait(formatting->task);
    } catch (...) {
    }
  }
}

void RowReport::Formatting::work() {
  out.clear();
  writer->begin_batch(*run.batch, origin);
  writer->append_rows(run.rows, out);
}

void RowReport::append(const Run& run, const std::shared_ptr<const void>& hold) {
  if (!origin_) origin_ = Timeline::instant(*run.batch, run.rows.front());
  // Before the batch's clock began it wraps, as what is counted from it does.
  const auto origin = static_cast<std::uint64_t>(timeline_.on_batch(*origin_, run.batch->clock));
  // Short runs, of inputs that interleave, are not worth handing over.
  const bool light = run.batch->listeners.size() <= kManyListeners;
  if (workers_.parallel() && light && hold != nullptr && run.begins_batch && run.ends_batch) {
    // In pieces, so that what waits to be written stays small.
    for (Run piece = run; !piece.rows.empty();) {
      const text::Selection rest = piece.rows.subspan(std::min(piece.rows.size(), rows_per_piece_));
      piece.rows = piece.rows.first(piece.rows.size() - rest.size());
      append_parallel(piece, hold, origin);
      piece.rows = rest;
    }
    return;
  }
  flush();
  text::RowWriter& writer = *writers_[run.feed];
  if (run.begins_batch) writer.begin_batch(*run.batch, origin);
  for (text::Selection rows = run.rows; !rows.empty() && !output_.closed();) {
    const std::size_t step = std::min(rows.size(), kRowsPerStep);
    writer.append_rows(rows.first(step), output_.buffer());
    rows = rows.subspan(step);
    output_.flush_if_full();
  }
}

void RowReport::flush() {
  while (!under_way_.empty()) write_oldest();
}

void RowReport::append_parallel(const Run& run, std::shared_ptr<const void> hold, std::uint64_t origin) {
  if (under_way_.size() >= workers_.depth()) write_oldest();
  if (spare_.empty()) {
    spare_.push_back(std::make_unique<Formatting>());
    spare_.back()->writer = make_writer_();
    spare_.back()->task.work = [formatting = spare_.back().get()] { formatting->work(); };
  }
  std::unique_ptr<Formatting> formatting = std::move(spare_.back());
  spare_.pop_back();
  formatting->hold = std::move(hold);
  formatting->run = run;
  formatting->origin = origin;
  under_way_.push_back(std::move(formatting));
  workers_.submit(under_way_.back()->task);
}

void RowReport::write_oldest() {
  std::unique_ptr<Formatting> formatting = std::move(under_way_.front());
  under_way_.pop_front();
  workers_.wait(formatting->task);
  formatting->hold.reset();
  output_.write(formatting->out.view());
  if (formatting->out.size() <= kMaxSpare) spare_.push_back(std::move(formatting));
}

}  // namespace tcpaccept::report
