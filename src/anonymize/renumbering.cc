#include "anonymize/renumbering.h"

#include <algorithm>
#include <cstring>

namespace tcpaccept::anonymize {
namespace {

constexpr unsigned kRounds = 10;
constexpr std::size_t kBlocksAtOnce = 2048;

}  // namespace

Renumbering::Renumbering(const Key& key, std::string_view label, Range range)
    : aes_(derived_key(key, label)), range_(range) {}

int Renumbering::class_of(std::uint64_t number) const {
  if (number < range_.kept) return 0;
  return range_.small == 64 || number >> range_.small == 0 ? 1 : 2;
}

void Renumbering::permute(std::span<std::uint64_t> numbers, unsigned bits) {
  const unsigned half = bits / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  blocks_.resize(std::min(numbers.size(), kBlocksAtOnce) * kBlock);
  while (!numbers.empty()) {
    const std::span<std::uint64_t> some = numbers.first(std::min(numbers.size(), kBlocksAtOnce));
    for (std::uint8_t round = 0; round < kRounds; ++round) {
      for (std::size_t i = 0; i < some.size(); ++i) {
        std::uint8_t* const block = &blocks_[i * kBlock];
        std::memset(block, 0, kBlock);
        const std::uint64_t right = some[i] & mask;
        std::memcpy(block, &right, sizeof right);
        block[8] = round;
        block[9] = static_cast<std::uint8_t>(bits);
      }
      aes_.encrypt(std::span(blocks_).first(some.size() * kBlock));
      for (std::size_t i = 0; i < some.size(); ++i) {
        std::uint64_t turned = 0;
        std::memcpy(&turned, &blocks_[i * kBlock], sizeof turned);
        const std::uint64_t left = some[i] >> half;
        const std::uint64_t right = some[i] & mask;
        some[i] = right << half | ((left ^ turned) & mask);
      }
    }
    numbers = numbers.subspan(some.size());
  }
}

// Numbers that leave their class are permuted again until they are back (cycle walking).
void Renumbering::map(std::span<std::uint64_t> numbers) {
  for (const int number_class : {1, 2}) {
    places_.clear();
    for (std::uint32_t i = 0; i < numbers.size(); ++i) {
      if (class_of(numbers[i]) == number_class) places_.push_back(i);
    }
    // A class that has been dealt with holds pseudonyms of itself only: nothing is mapped twice.
    while (!places_.empty()) {
      walking_.clear();
      for (const std::uint32_t place : places_) walking_.push_back(numbers[place]);
      permute(walking_, number_class == 1 ? range_.small : range_.all);
      std::size_t astray = 0;
      for (std::size_t i = 0; i < walking_.size(); ++i) {
        numbers[places_[i]] = walking_[i];
        if (class_of(walking_[i]) != number_class) places_[astray++] = places_[i];
      }
      places_.resize(astray);
    }
  }
}

std::uint64_t Renumbering::map(std::uint64_t number) {
  map(std::span(&number, 1));
  return number;
}

}  // namespace tcpaccept::anonymize
