// The packed form of a batch: its tables and its events as packed columns (capture.md, section 5).
//
// A reader that looks for something takes the tables first, which say whether the batch can hold it, and unpacks
// then only the columns it needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/format.h"
#include "capture/model.h"
#include "capture/packed_column.h"
#include "core/byte_cursor.h"

namespace tcpaccept::capture {

class BatchPacker {
 public:
  // Both are borrowed until the next call of the same; columns() belongs to the batch tables() was called with last.
  Bytes tables(const Batch& batch);
  Bytes columns(const Batch& batch);
  // Of the peers in the tables, so many come first and are IPv4.
  std::size_t peers_v4() const { return peers_v4_; }

 private:
  void single(ColumnId id, std::uint64_t value);
  template <typename Rows, typename Value>
  void column(ColumnId id, const Rows& rows, Value value, bool delta = false);
  void order_peers(const Batch& batch);

  ColumnPacker packer_;
  std::vector<std::byte> tables_;
  std::vector<std::byte> columns_;
  std::vector<std::byte>* out_ = nullptr;  // the one of them that is being made
  std::vector<std::uint64_t> values_;
  std::vector<std::uint16_t> order_;  // of peers, as written
  std::vector<std::uint16_t> rank_;   // of peers: where each was written
  bool sorted_ = false;
  std::size_t peers_v4_ = 0;
};

// Each call returns nullptr or what is wrong. They ignore columns that are not theirs.
class BatchUnpacker {
 public:
  // Clock, ledger, and the listeners, of which `to` has as many as there are to be.
  const char* listeners(Bytes tables, Batch& to);
  // `to.peers` has the length it is to have; the first `v4` of them are IPv4.
  const char* peers(Bytes tables, std::size_t v4, Batch& to);
  // The wanted columns of so many events; the others stay empty. Indexes are checked against `peers`, the number of
  // peers, and the listeners of `to`; times for their order.
  const char* columns(Bytes columns, Columns wanted, std::size_t events, std::size_t peers, Batch& to);

 private:
  bool store_single(const PackedColumn& column, Batch& to);
  bool store_listener(const PackedColumn& column, Batch& to);
  bool store_event(const PackedColumn& column, Columns wanted, Batch& to);

  ColumnUnpacker unpacker_;
  std::vector<std::uint64_t> values_;
};

// What makes a batch with the wanted columns of so many events unusable (lengths, indexes, order of times), or nullptr.
// Every batch that leaves the decoder has passed it. `peers` is the length of its table of peers.
const char* inconsistency(const Batch& batch, Columns wanted, std::size_t events, std::size_t peers);
inline const char* inconsistency(const Batch& batch) {
  return inconsistency(batch, kAllColumns, batch.size(), batch.peers.size());
}

}  // namespace tcpaccept::capture
