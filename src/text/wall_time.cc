#include "text/wall_time.h"

#include <array>
#include <chrono>
#include <limits>

#include "text/digits.h"

namespace tcpaccept::text {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr auto kNanos = static_cast<std::int64_t>(kNanosPerSecond);

char* put_2(char* to, unsigned value) {
  to[0] = static_cast<char>('0' + value / 10);
  to[1] = static_cast<char>('0' + value % 10);
  return to + 2;
}

// Takes pieces off the front of a text; once something did not fit, ok() stays false.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  // Exactly `count` decimal digits.
  int digits(int count) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (!at_digit()) return fail();
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  // One of the characters in `allowed`; returns it.
  char one_of(std::string_view allowed) {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) return static_cast<char>(fail());
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }
  bool skip(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // One to nine digits after a decimal point, as nanoseconds.
  std::int64_t fraction() {
    std::int64_t value = 0;
    int count = 0;
    for (; at_digit() && count < 9; ++count) {
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (count == 0 || at_digit()) fail();
    for (; count < 9; ++count) value *= 10;
    return value;
  }

 private:
  bool at_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  int fail() {
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::int64_t floor_seconds(std::int64_t nanoseconds) {
  return nanoseconds / kNanos - (nanoseconds % kNanos < 0 ? 1 : 0);
}

char* put_date_time(char* to, std::int64_t seconds) {
  const std::int64_t day = seconds / kSecondsPerDay - (seconds % kSecondsPerDay < 0 ? 1 : 0);
  const auto of_day = static_cast<unsigned>(seconds - day * kSecondsPerDay);
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  to = put_2(to, year / 100 % 100);
  to = put_2(to, year % 100);
  *to++ = '-';
  to = put_2(to, static_cast<unsigned>(date.month()));
  *to++ = '-';
  to = put_2(to, static_cast<unsigned>(date.day()));
  *to++ = 'T';
  to = put_2(to, of_day / 3600);
  *to++ = ':';
  to = put_2(to, of_day / 60 % 60);
  *to++ = ':';
  return put_2(to, of_day % 60);
}

std::string wall_text(std::int64_t nanoseconds, int digits) {
  std::array<char, kDateTimeText + 12 + kScribble> text;
  const std::int64_t second = floor_seconds(nanoseconds);
  // Unsigned, because the first nanoseconds of 1677 lie below what `second` can hold in nanoseconds.
  const auto within = static_cast<std::uint32_t>(static_cast<std::uint64_t>(nanoseconds) -
                                                 static_cast<std::uint64_t>(second) * kNanosPerSecond);
  char* to = put_date_time(text.data(), second);
  if (digits > 0) {
    *to++ = '.';
    put_9(to, within);
    to += digits;
  }
  *to++ = 'Z';
  return {text.data(), to};
}

std::optional<std::int64_t> parse_wall(std::string_view text) {
  TextCursor cursor(text);
  const int year = cursor.digits(4);
  cursor.one_of("-");
  const int month = cursor.digits(2);
  cursor.one_of("-");
  const int day = cursor.digits(2);
  cursor.one_of("T ");
  const int hour = cursor.digits(2);
  cursor.one_of(":");
  const int minute = cursor.digits(2);
  cursor.one_of(":");
  const int second = cursor.digits(2);
  const std::int64_t fraction = cursor.skip('.') ? cursor.fraction() : 0;
  std::int64_t zone = 0;
  if (cursor.ok() && !cursor.at_end() && !cursor.skip('Z')) {
    const char sign = cursor.one_of("+-");
    const int zone_hours = cursor.digits(2);
    cursor.one_of(":");
    const int zone_minutes = cursor.digits(2);
    if (zone_hours > 23 || zone_minutes > 59) return std::nullopt;
    zone = (zone_hours * 60 + zone_minutes) * 60 * (sign == '-' ? -1 : 1);
  }
  if (!cursor.ok() || !cursor.at_end()) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59 || year < 1678 || year > 2261) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t seconds = days * kSecondsPerDay + hour * 3600 + minute * 60 + second - zone;
  return seconds * kNanos + fraction;
}

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (whole.empty() || whole.size() > kSecondsDigits) return std::nullopt;
  TextCursor cursor(text);
  const int seconds = cursor.digits(static_cast<int>(whole.size()));
  const std::int64_t fraction = cursor.skip('.') ? cursor.fraction() : 0;
  if (!cursor.ok() || !cursor.at_end()) return std::nullopt;
  return seconds * kNanos + fraction;
}

}  // namespace tcpaccept::text
