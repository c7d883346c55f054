#include "anonymize/seen.h"

#include <algorithm>
#include <cstring>

#include "capture/words.h"

namespace tcpaccept::anonymize {
namespace {

// Every bit of the result depends on every bit of both.
std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value;
  hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
  hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
  return hash ^ hash >> 32;
}

}  // namespace

Seen::Seen(const Key& key, std::string_view label, std::size_t most)
    : most_(most), slots_(std::min<std::size_t>(most, 1024)) {
  const Digest digest = keyed_hash(key, "seen", label);
  std::memcpy(&seed_, digest.data(), sizeof seed_);
}

std::uint64_t Seen::fingerprint(std::uint64_t high, std::uint64_t low) const {
  return std::max<std::uint64_t>(mix(mix(seed_, high), low), 1);
}

std::uint64_t Seen::fingerprint(const IpAddress& address) const {
  return fingerprint(capture::high_half(address), capture::low_half(address));
}

std::uint64_t Seen::fingerprint(std::string_view text) const {
  std::uint64_t hash = mix(seed_, text.size());
  for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 8))) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), std::min<std::size_t>(text.size(), 8));
    hash = mix(hash, word);
  }
  return std::max<std::uint64_t>(hash, 1);
}

bool Seen::holds(std::uint64_t fingerprint) const {
  for (std::size_t slot = slot_of(fingerprint); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    if (slots_[slot] == fingerprint) return true;
  }
  return false;
}

void Seen::insert(std::uint64_t fingerprint) {
  std::size_t slot = slot_of(fingerprint);
  while (slots_[slot] != 0) {
    if (slots_[slot] == fingerprint) return;
    slot = (slot + 1) & (slots_.size() - 1);
  }
  slots_[slot] = fingerprint;
  ++used_;
}

void Seen::make_room() {
  const std::vector<std::uint64_t> old = std::move(slots_);
  if (old.size() < most_) {
    slots_.assign(old.size() * 2, 0);
  } else {
    slots_.assign(old.size(), 0);
    limit_ /= 2;
    one_of_ *= 2;
  }
  used_ = 0;
  for (const std::uint64_t fingerprint : old) {
    if (fingerprint != 0 && follows(fingerprint)) insert(fingerprint);
  }
}

void Seen::add(std::uint64_t fingerprint) {
  if (!follows(fingerprint)) return;
  while (used_ >= slots_.size() / 4 * 3) make_room();
  if (follows(fingerprint)) insert(fingerprint);
}

}  // namespace tcpaccept::anonymize
