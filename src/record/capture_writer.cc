#include "record/capture_writer.h"

#include <cerrno>
#include <numeric>

#include "core/error.h"

namespace tcpaccept::record {

void CaptureWriter::start(const capture::Start& start) {
  if (!output_.append(encoder_.encode(start))) throw system_error("cannot write " + output_.name(), ENOSPC);
}

std::uint64_t CaptureWriter::held() const {
  return std::accumulate(held_.begin(), held_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Held& held) { return sum + held.accepts; });
}

bool CaptureWriter::write_held() {
  while (!held_.empty()) {
    if (!output_.append(held_.front().frame)) return false;
    held_bytes_ -= held_.front().frame.size();
    held_.pop_front();
  }
  return true;
}

// As it is to stand in a file that lacks the dropped batches.
capture::Batch CaptureWriter::adjusted(const capture::Batch& batch) const {
  capture::Batch copy = batch;
  copy.first_event -= dropped_;
  if (!copy.ledger) return copy;
  capture::Ledger& ledger = *copy.ledger;
  if (untold_ledger_) {
    ledger.begin = untold_ledger_->begin;
    ledger.hits += untold_ledger_->hits;
    ledger.misses += untold_ledger_->misses;
    ledger.lost += untold_ledger_->lost;
    ledger.filtered += untold_ledger_->filtered;
    ledger.written += untold_ledger_->written;
  }
  ledger.written -= untold_;
  ledger.lost += untold_;
  return copy;
}

void CaptureWriter::drop(const capture::Batch& batch) {
  dropped_ += batch.size();
  ++dropped_batches_;
  if (batch.ledger) {
    // What was untold before is in it as lost; the accepts of this batch are not yet.
    untold_ledger_ = adjusted(batch).ledger;
    untold_ = 0;
  }
  untold_ += batch.size();
}

void CaptureWriter::batch(const capture::Batch& batch) {
  const bool changed = dropped_ != 0;
  if (batch.open != 0) {
    full_ = !write_held();
    if (!full_) full_ = !output_.rewrite_tail(encoder_.encode(changed ? adjusted(batch) : batch, packing_));
    return;
  }
  const Bytes frame = encoder_.encode(changed ? adjusted(batch) : batch, packing_);
  full_ = !write_held() || !output_.append(frame);
  if (full_ && held_bytes_ + frame.size() > max_held_) return drop(batch);
  if (full_) {
    held_.push_back({{frame.begin(), frame.end()}, batch.size()});
    held_bytes_ += frame.size();
  }
  if (batch.ledger) {
    untold_ = 0;
    untold_ledger_.reset();
  }
}

void CaptureWriter::end(capture::End end) {
  end.written -= dropped_;
  end.batches -= dropped_batches_;
  if (!write_held() || !output_.append(encoder_.encode(end))) {
    full_ = true;
    throw Error{"cannot write " + output_.name() + ": the disk is full; the last " + std::to_string(held()) +
                " accepts are not in the capture"};
  }
  full_ = false;
  output_.sync();
}

}  // namespace tcpaccept::record
