// The most frequent keys of a stream, in bounded memory: space-saving (Metwally, Agrawal, El Abbadi 2005) with the rare
// keys thrown out half a table at a time.
//
// As long as all keys have room, counts are exact. Then every key has a count that is certain and an excess: it came
// at least `count` and at most `count + excess` times. A key that is not in the table came at most error() times; no
// excess is larger, and neither exceeds a 1/32,768 of the stream.
#pragma once

#include <cstdint>
#include <vector>

#include "core/accept.h"
#include "summary/distinct.h"
#include "summary/key_index.h"

namespace tcpaccept::summary {

class HeavyHitters {
 public:
  static constexpr std::uint32_t kKeys = 65536;

  explicit HeavyHitters(std::uint32_t keys = kKeys) : keys_(keys), index_(keys) {}

  // `name`: what the key is called, if anything; the last one is kept.
  void add(const Key& key, std::uint64_t times, const Comm& name = {});

  struct Entry {
    Key key;
    std::uint64_t count = 0;
    std::uint64_t excess = 0;
    Comm name;
  };
  // The `most` of the highest counts; equal ones in the order of their keys.
  std::vector<Entry> top(std::size_t most) const;

  std::uint64_t error() const { return error_; }
  // Different keys; where they did not have room, an estimate.
  std::uint64_t distinct() const { return exact() ? index_.size() : seen_.count(); }
  bool exact() const { return error_ == 0; }

 private:
  void make_room();

  std::uint32_t keys_;
  KeyIndex index_;
  std::vector<Entry> entries_;  // by the numbers of the index
  std::uint64_t error_ = 0;
  Estimate seen_;
};

}  // namespace tcpaccept::summary
