#include "report/input.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "core/error.h"
#include "report/escape.h"

namespace tcpaccept::report {
namespace {

class ReaderSource final : public ItemSource {
 public:
  ReaderSource(UniqueFd own, int fd, std::string name, bool live)
      : own_(std::move(own)), live_(live), reader_(capture::read_from(fd, std::move(name))) {}

  capture::Reader::Item next() override { return reader_.next(); }
  std::uint64_t offset() const override { return reader_.offset(); }
  bool nothing_intact() const override { return reader_.nothing_intact(); }
  bool live() const override { return live_; }

 private:
  UniqueFd own_;
  bool live_;
  capture::Reader reader_;
};

class FollowSource final : public ItemSource {
 public:
  FollowSource(UniqueFd fd, const std::string& name)
      : fd_(std::move(fd)), follower_(fd_.get(), name), reader_(follower_.read()) {}

  capture::Reader::Item next() override {
    const capture::Reader::Item item = reader_.next();
    if (std::holds_alternative<const capture::End*>(item)) {
      follower_.session_ended(true);
    } else if (!std::holds_alternative<const capture::Damage*>(item)) {
      follower_.session_ended(false);
    }
    return item;
  }
  std::uint64_t offset() const override { return reader_.offset(); }
  bool nothing_intact() const override { return reader_.nothing_intact(); }
  bool live() const override { return true; }
  bool interrupted() const override { return follower_.interrupted(); }

 private:
  UniqueFd fd_;
  Follower follower_;
  capture::Reader reader_;
};

}  // namespace

std::string display_name(const std::string& name) { return name == "-" ? "standard input" : escaped(name); }

std::unique_ptr<ItemSource> open_source(const std::string& name, int standard_input, bool follow) {
  const std::string shown = display_name(name);
  UniqueFd own;
  int fd = standard_input;
  if (name != "-") {
    // Without O_NONBLOCK a named pipe would be waited for before it can be refused.
    own.reset(::open(name.c_str(), O_RDONLY | O_CLOEXEC | (follow ? O_NONBLOCK : 0)));
    if (!own.valid()) throw system_error("cannot open " + shown, errno);
    fd = own.get();
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw system_error("cannot open " + shown, errno);
  if (S_ISDIR(status.st_mode)) throw Error(shown + ": is a directory, not a capture");
  const bool regular = S_ISREG(status.st_mode);
  if (follow) {
    if (!regular || !own.valid()) throw Error(shown + ": only a regular file can be followed", Exit::kUsage);
    return std::make_unique<FollowSource>(std::move(own), shown);
  }
  return std::make_unique<ReaderSource>(std::move(own), fd, shown, !regular);
}

Input::Input(const std::string& name, std::unique_ptr<ItemSource> source, FilterSpec filter, Timeline& timeline,
             std::function<void(const SessionTotals&)> on_session)
    : name_(display_name(name)),
      source_(std::move(source)),
      filter_(std::move(filter)),
      timeline_(timeline),
      totals_(std::move(on_session)) {}

capture::Reader::Item Input::next_item() {
  if (seen_) return *std::exchange(seen_, std::nullopt);
  const capture::Reader::Item item = source_->next();
  const bool at_end = std::holds_alternative<capture::EndOfInput>(item);
  if (source_->interrupted()) {
    const auto* damage = std::get_if<const capture::Damage*>(&item);
    if (at_end || (damage != nullptr && (*damage)->tail)) {
      totals_.stop(source_->offset());
      return capture::EndOfInput{};
    }
  }
  if (at_end && source_->nothing_intact()) {
    if (source_->offset() == 0) throw Error(name_ + ": is empty, not a tcpaccept capture");
    throw Error(name_ + ": is not a tcpaccept capture");
  }
  if (const auto* start = std::get_if<const capture::Start*>(&item)) {
    timeline_.note_session((*start)->boot_id);
    in_session_ = true;
  } else if (std::holds_alternative<const capture::End*>(item)) {
    in_session_ = false;
  } else if (std::holds_alternative<const capture::Batch*>(item) && !in_session_) {
    timeline_.note_session("");
    in_session_ = true;
  }
  totals_.add(item, source_->offset());
  return item;
}

void Input::open() {
  for (;;) {
    const capture::Reader::Item item = next_item();
    if (std::holds_alternative<const capture::Damage*>(item)) continue;
    if (std::holds_alternative<const capture::UnknownFrame*>(item)) continue;
    seen_ = item;
    return;
  }
}

const capture::Batch* Input::next_batch() {
  for (;;) {
    const capture::Reader::Item item = next_item();
    if (std::holds_alternative<capture::EndOfInput>(item)) {
      seen_ = item;  // the end stays the end
      return nullptr;
    }
    const auto* batch = std::get_if<const capture::Batch*>(&item);
    if (batch != nullptr && (*batch)->size() != 0) return *batch;
  }
}

bool Input::find_first_accept(Instant& first) {
  found_ = next_batch();
  if (found_ == nullptr) return false;
  first = Timeline::instant(*found_, 0);
  return true;
}

bool Input::advance() {
  for (;;) {
    batch_ = found_ != nullptr ? std::exchange(found_, nullptr) : next_batch();
    if (batch_ == nullptr) return false;
    filter_.select(*batch_, timeline_.on_batch(first_accept_, *batch_), rows_);
    if (!rows_.empty()) return true;
  }
}

void Input::drain() {
  while (next_batch() != nullptr) {
  }
}

}  // namespace tcpaccept::report
