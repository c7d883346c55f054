// Bytes on their way to a descriptor: grows, never shrinks, and hands out raw room.
//
// The row writers format straight into the room of a whole block of rows whose worst case was reserved once, so
// that no field pays for a bounds check. A std::string would fill that room with zeros first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace tcpaccept::text {

class Buffer {
 public:
  // Room for `bytes` more at the end. Valid until the next call of room() or append().
  char* room(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data_.get() + size_;
  }
  // Ends the contents at `end`, a place inside the room handed out last.
  void end_at(const char* end) { size_ = static_cast<std::size_t>(end - data_.get()); }

  void append(std::string_view text) {
    char* to = room(text.size());
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    size_ += text.size();
  }
  void clear() { size_ = 0; }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  void grow(std::size_t bytes) {
    const std::size_t wanted = std::max(size_ + bytes, capacity_ + capacity_ / 4);
    auto larger = std::make_unique_for_overwrite<char[]>(wanted);
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace tcpaccept::text
