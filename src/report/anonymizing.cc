#include "report/anonymizing.h"

#include <memory>
#include <utility>

namespace tcpaccept::report {
namespace {

class Telling {
 public:
  Telling(Observer inner, const Anonymizing& how)
      : inner_(std::move(inner)), how_(how), anonymizer_(how.settings), shift_(anonymize::shift_of(how.settings, "")) {}

  void start(const capture::Start& start) {
    shift_ = anonymize::shift_of(how_.settings, start.boot_id);
    if (how_.witness != nullptr) how_.witness->note(start);
    capture::Start copy = start;
    anonymizer_.apply(copy);
    inner_.start(copy);
  }
  // Without its tables: who is told of a batch has the rows of it from elsewhere.
  void batch(const capture::BatchFrame& batch, std::uint64_t skipped) {
    capture::Batch tables;
    tables.first_event = batch.tables->first_event;
    tables.open = batch.tables->open;
    tables.clock = shift_.on(batch.tables->clock);
    capture::BatchFrame copy = batch;
    copy.tables = &tables;
    if (batch.events != 0) {
      copy.first_time = shift_.on_monotonic(batch.first_time);
      copy.last_time = shift_.on_monotonic(batch.last_time);
    }
    inner_.batch(copy, skipped);
  }
  void account(const Account& account) {
    Account copy = account;
    copy.clock = shift_.on(copy.clock);
    if (copy.ledger) shift_.apply(*copy.ledger);
    for (Gap& gap : copy.gaps) shift_.apply(gap);
    inner_.account(copy);
  }
  void spoilt(const Spoilt& spoilt) {
    Spoilt copy = spoilt;
    copy.clock = shift_.on(spoilt.clock);
    copy.first_time = shift_.on_monotonic(spoilt.first_time);
    copy.last_time = shift_.on_monotonic(spoilt.last_time);
    inner_.spoilt(copy);
  }
  void session(const SessionTotals& session) {
    SessionTotals copy = session;
    if (copy.start) anonymizer_.apply(*copy.start);
    if (copy.end) anonymizer_.apply(*copy.end, shift_);
    for (auto* const clock : {&copy.first_clock, &copy.last_clock}) {
      if (*clock) *clock = shift_.on(**clock);
    }
    const auto moved = [](std::int64_t wall, std::uint64_t by) {
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(wall) + by);
    };
    const auto wall = static_cast<std::uint64_t>(shift_.realtime);
    copy.first_wall = moved(copy.first_wall, wall);
    copy.last_wall = moved(copy.last_wall, wall);
    copy.wall_offset_min = moved(copy.wall_offset_min, wall - shift_.monotonic);
    copy.wall_offset_max = moved(copy.wall_offset_max, wall - shift_.monotonic);
    shift_ = anonymize::shift_of(how_.settings, "");
    inner_.session(copy);
  }

 private:
  Observer inner_;
  const Anonymizing& how_;
  anonymize::Anonymizer anonymizer_;
  anonymize::TimeShift shift_;  // of the session under way
};

class Checked final : public Sink {
 public:
  Checked(std::unique_ptr<Sink> inner, anonymize::LeakCheck& check, std::string name)
      : inner_(std::move(inner)), check_(check), name_(std::move(name)) {}

  capture::Columns columns() const override { return inner_->columns(); }
  Observer observer(std::size_t input) override { return inner_->observer(input); }
  void begin() override { inner_->begin(); }
  void append(const Run& run, const std::shared_ptr<const void>& hold) override {
    if (run.begins_batch) check_.check_rows(*run.batch, name_);
    inner_->append(run, hold);
  }
  void flush() override { inner_->flush(); }
  void finish(const Inputs& inputs) override { inner_->finish(inputs); }

 private:
  std::unique_ptr<Sink> inner_;
  anonymize::LeakCheck& check_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Sink> checked(std::unique_ptr<Sink> inner, anonymize::LeakCheck& check, std::string name) {
  return std::make_unique<Checked>(std::move(inner), check, std::move(name));
}

Observer anonymized(Observer inner, const Anonymizing& how) {
  Observer outer;
  outer.damage = inner.damage;
  const bool start = inner.start != nullptr;
  const bool batch = inner.batch != nullptr;
  const bool account = inner.account != nullptr;
  const bool spoilt = inner.spoilt != nullptr;
  const bool session = inner.session != nullptr;
  const auto telling = std::make_shared<Telling>(std::move(inner), how);
  if (start) outer.start = [telling](const capture::Start& from) { telling->start(from); };
  if (batch) {
    outer.batch = [telling](const capture::BatchFrame& from, std::uint64_t skipped) { telling->batch(from, skipped); };
  }
  if (account) outer.account = [telling](const Account& from) { telling->account(from); };
  if (spoilt) outer.spoilt = [telling](const Spoilt& from) { telling->spoilt(from); };
  if (session) outer.session = [telling](const SessionTotals& from) { telling->session(from); };
  return outer;
}

}  // namespace tcpaccept::report
