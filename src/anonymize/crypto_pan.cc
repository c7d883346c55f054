#include "anonymize/crypto_pan.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tcpaccept::anonymize {
namespace {

static_assert(std::endian::native == std::endian::little);

// So many blocks are encrypted at once: they stay in the processor's cache.
constexpr std::size_t kBlocksAtOnce = 2048;

std::uint64_t load(const std::uint8_t* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return __builtin_bswap64(word);
}

void store(std::uint64_t word, std::uint8_t* to) {
  word = __builtin_bswap64(word);
  std::memcpy(to, &word, sizeof word);
}

// The first `count` bits of a word.
std::uint64_t first_bits(unsigned count) { return count == 0 ? 0 : ~std::uint64_t{0} << (64 - std::min(count, 64u)); }

void turn(Bits& value, unsigned position) {
  std::uint64_t& word = position < 64 ? value.high : value.low;
  word ^= std::uint64_t{1} << (63 - position % 64);
}

AesKey aes_key(const Key& key) {
  AesKey first{};
  std::copy_n(key.begin(), first.size(), first.begin());
  return first;
}

}  // namespace

CryptoPan::CryptoPan(const Key& key) : aes_(aes_key(key)), blocks_(kBlocksAtOnce * kBlock) {
  std::array<std::uint8_t, kBlock> pad{};
  std::copy_n(key.begin() + kBlock, pad.size(), pad.begin());
  aes_.encrypt(pad);
  pad_ = {load(&pad[0]), load(&pad[8])};
}

// The bits before `position`, and the padding from there on.
void CryptoPan::put_block(const Bits& value, unsigned position, std::size_t at) {
  const std::uint64_t high = first_bits(position);
  const std::uint64_t low = first_bits(position > 64 ? position - 64 : 0);
  store((value.high & high) | (pad_.high & ~high), &blocks_[at * kBlock]);
  store((value.low & low) | (pad_.low & ~low), &blocks_[at * kBlock + 8]);
}

void CryptoPan::permute(std::span<Bits> values, unsigned first, unsigned last) {
  const unsigned bits = last - first;
  if (bits == 0) return;
  const std::size_t at_once = kBlocksAtOnce / bits;
  while (!values.empty()) {
    const std::span<Bits> some = values.first(std::min(values.size(), at_once));
    std::size_t at = 0;
    for (const Bits& value : some) {
      for (unsigned position = first; position < last; ++position) put_block(value, position, at++);
    }
    aes_.encrypt(std::span(blocks_).first(at * kBlock));
    at = 0;
    for (Bits& value : some) {
      for (unsigned position = first; position < last; ++position) {
        if (turns(at++)) turn(value, position);
      }
    }
    values = values.subspan(some.size());
  }
}

// A bit is known only when those before it are: one bit of many values at a time.
void CryptoPan::restore(std::span<Bits> values, unsigned first, unsigned last) {
  while (!values.empty()) {
    const std::span<Bits> some = values.first(std::min(values.size(), kBlocksAtOnce));
    for (unsigned position = first; position < last; ++position) {
      for (std::size_t i = 0; i < some.size(); ++i) put_block(some[i], position, i);
      aes_.encrypt(std::span(blocks_).first(some.size() * kBlock));
      for (std::size_t i = 0; i < some.size(); ++i) {
        if (turns(i)) turn(some[i], position);
      }
    }
    values = values.subspan(some.size());
  }
}

}  // namespace tcpaccept::anonymize
