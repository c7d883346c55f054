// Wall-clock instants as text and back: always UTC on output, ISO 8601, no locale and no host time zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tcpaccept::text {

// "2026-11-23T08:10:50" is 19 bytes for every instant a 64-bit count of nanoseconds can name (1677 to 2262).
inline constexpr std::size_t kDateTimeText = 19;

// Writes kDateTimeText bytes at `to` for seconds since 1970 UTC, returns one past them.
char* put_date_time(char* to, std::int64_t seconds);

// The second an instant (nanoseconds since 1970) lies in, rounded towards the past.
std::int64_t floor_seconds(std::int64_t nanoseconds);

// "2026-11-23T08:10:50.123456789Z" with `digits` (0 to 9) digits of the second, cut, not rounded.
std::string wall_text(std::int64_t nanoseconds, int digits = 9);

// Reads `YYYY-MM-DD[ T]HH:MM:SS[.fraction][Z|+HH:MM|-HH:MM]`, at most nine fraction digits; without a zone the
// time is UTC. Nanoseconds since 1970, or nothing if the text is not that or outside 1678 to 2261.
std::optional<std::int64_t> parse_wall(std::string_view text);

// As many digits may stand in front of the point: 31 years are enough for any capture.
inline constexpr std::size_t kSecondsDigits = 9;

// Reads decimal seconds "2", "2.5", "0.000001" as nanoseconds; nothing else (no sign, no exponent).
std::optional<std::int64_t> parse_seconds(std::string_view text);

}  // namespace tcpaccept::text
