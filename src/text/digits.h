// Numbers and short texts as bytes, as fast as the machine can: the innermost loop of every row.
//
// Three digits at a time from two 4 KiB tables; larger ones (four digits, every port) would fight with the rows for
// the L1 cache. Every function writes at `to`, returns one past what counts, and may scribble up to
// kScribble bytes beyond that: the caller reserves them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tcpaccept::text {

inline constexpr std::size_t kScribble = 288;
inline constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;

struct DigitTables {
  using Entry = std::array<char, 4>;
  std::array<Entry, 1000> padded{};  // "000" to "999"
  std::array<Entry, 1000> plain{};   // "0" to "999", the fourth byte is the number of digits

  constexpr DigitTables() {
    for (unsigned value = 0; value < 1000; ++value) {
      const char hundreds = static_cast<char>('0' + value / 100);
      const char tens = static_cast<char>('0' + value / 10 % 10);
      const char ones = static_cast<char>('0' + value % 10);
      padded[value] = {hundreds, tens, ones, 0};
      if (value < 10) {
        plain[value] = {ones, 0, 0, 1};
      } else if (value < 100) {
        plain[value] = {tens, ones, 0, 2};
      } else {
        plain[value] = {hundreds, tens, ones, 3};
      }
    }
  }
};
alignas(64) inline constexpr DigitTables kDigits;

// Exactly three digits of a value below 1,000.
inline char* put_3(char* to, std::uint32_t value) {
  std::memcpy(to, kDigits.padded[value].data(), 4);
  return to + 3;
}
// Exactly six digits of a value below 1,000,000.
inline char* put_6(char* to, std::uint32_t value) { return put_3(put_3(to, value / 1000), value % 1000); }
// Exactly nine digits of a value below 1,000,000,000.
inline char* put_9(char* to, std::uint32_t value) { return put_6(put_3(to, value / 1'000'000), value % 1'000'000); }

inline char* put_below_1000(char* to, std::uint32_t value) {
  const DigitTables::Entry& entry = kDigits.plain[value];
  std::memcpy(to, entry.data(), 4);
  return to + entry[3];
}

inline char* put_number(char* to, std::uint32_t value) {
  if (value < 1000) return put_below_1000(to, value);
  if (value < 1'000'000) return put_3(put_below_1000(to, value / 1000), value % 1000);
  if (value < 1'000'000'000) return put_6(put_below_1000(to, value / 1'000'000), value % 1'000'000);
  return put_9(put_below_1000(to, value / 1'000'000'000), value % 1'000'000'000);
}

inline char* put_number(char* to, std::uint64_t value) {
  if (value <= 0xffffffffu) return put_number(to, static_cast<std::uint32_t>(value));
  const auto low = static_cast<std::uint32_t>(value % kNanosPerSecond);
  return put_9(put_number(to, value / kNanosPerSecond), low);
}

// A literal without its terminator.
template <std::size_t N>
inline char* put(char* to, const char (&text)[N]) {
  std::memcpy(to, text, N - 1);
  return to + (N - 1);
}

// Copies a piece that is seldom longer than kUsual (at most 256) by copying kUsual bytes in any case: no call, and no
// branch that depends on its exact length. Both sides need kScribble bytes of slack.
template <std::size_t kUsual>
char* put_piece(char* to, const char* from, std::size_t length) {
  static_assert(kUsual <= 256);
  std::memcpy(to, from, kUsual);
  for (std::size_t done = kUsual; done < length; done += 32) std::memcpy(to + done, from + done, 32);
  return to + length;
}

}  // namespace tcpaccept::text
