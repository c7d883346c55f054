#include "capture/reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "capture/codec.h"
#include "capture/crc32c.h"
#include "capture/format.h"
#include "core/error.h"

namespace tcpaccept::capture {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

// While looking for the next intact frame every place that looks like one must be checksummed. Bytes of sync words
// that each claim a large frame would make that quadratic, so the work is bounded: so many bytes checksummed in
// vain for each byte of input, after a first allowance.
constexpr std::uint64_t kVainAllowance = std::uint64_t{4} * kMaxFrameBytes;
constexpr std::uint64_t kVainPerByte = 4;

}  // namespace

struct Reader::Impl {
  explicit Impl(Read source) : read(std::move(source)) {}

  // ---- input window: bytes [begin, end) of `buffer` are offset .. offset + (end - begin) of the input ----

  Read read;
  std::vector<std::uint64_t> buffer;  // words, so that its start is aligned for Cap'n Proto
  std::size_t begin = 0;
  std::size_t end = 0;
  bool exhausted = false;
  std::uint64_t offset = 0;

  std::byte* base() { return reinterpret_cast<std::byte*>(buffer.data()); }
  Bytes window() { return {base() + begin, end - begin}; }

  // Makes at least `size` bytes available, or as many as the input has.
  bool want(std::size_t size) {
    while (end - begin < size && !exhausted) {
      if (buffer.size() * 8 - end < std::min(kReadBytes, size - (end - begin))) {
        to_front();
        const std::size_t needed = std::max(size, end) + kReadBytes;
        if (buffer.size() * 8 < needed) buffer.resize((needed + 7) / 8);
      }
      const std::size_t got = read(base() + end, buffer.size() * 8 - end);
      if (got == 0) exhausted = true;
      end += got;
    }
    return end - begin >= size;
  }

  void consume(std::size_t size) {
    begin += size;
    offset += size;
  }

  // Cap'n Proto wants words at aligned addresses; after damage a frame may begin anywhere.
  void align() {
    if (begin % 8 != 0) to_front();
  }

  void to_front() {
    std::copy(base() + begin, base() + end, base());
    end -= begin;
    begin = 0;
  }

  // ---- frames ----

  struct Found {
    std::size_t length = 0;  // of the intact frame at the window's start, or 0
    const char* why = nullptr;
    std::string detail;
  };

  // Is there an intact frame at the start of the window?
  Found frame_here() {
    if (!want(kHeadBytes)) {
      return {.why = "cut short",
              .detail = "cut short: " + std::to_string(end - begin) + " bytes where a frame should begin"};
    }
    const auto length = frame_length(window());
    if (!length) return {.why = "not a frame", .detail = "not a frame"};
    if (!want(*length)) {
      return {.why = "cut short",
              .detail = "cut short: " + std::to_string(end - begin) + " of the frame's " + std::to_string(*length) +
                        " bytes"};
    }
    const Bytes frame = window().first(*length);
    if (load<std::uint32_t>(&frame[kCrcOffset]) != frame_checksum(frame)) {
      vain += *length;
      return {.why = "checksum", .detail = "the checksum of a frame does not match"};
    }
    return {.length = *length, .why = nullptr, .detail = {}};
  }

  // Moves on to the next place after the first byte of the window where a frame may begin, or to the end.
  void skip_to_candidate() {
    std::size_t from = 1;
    for (;;) {
      want(from + kHeadBytes);
      const Bytes bytes = window();
      if (bytes.size() < from + kHeadBytes) {
        consume(bytes.size());
        return;
      }
      const auto* first = reinterpret_cast<const char*>(bytes.data()) + from + kSyncOffset;
      const std::size_t searchable = bytes.size() - from - kSyncOffset;
      const void* hit = memmem(first, searchable, &kSync, sizeof kSync);
      if (hit != nullptr) {
        consume(static_cast<std::size_t>(static_cast<const char*>(hit) - first) + from);
        return;
      }
      // The last bytes may hold the beginning of a sync word.
      const std::size_t cleared = from + searchable - (sizeof kSync - 1);
      consume(cleared - 1);
      from = 1;
    }
  }

  // ---- items ----

  Decoder decoder;
  Damage damage;
  UnknownFrame unknown;
  std::optional<Item> waiting;  // found behind a damage that was told first
  std::uint64_t vain = 0;       // bytes checksummed without finding a frame
  bool any_intact = false;

  Item take_frame(std::size_t length) {
    align();
    const std::uint64_t at = offset;
    const Decoder::Kind kind = decoder.decode(window().first(length));
    consume(length);
    switch (kind) {
      case Decoder::Kind::kStart: any_intact = true; return &decoder.start();
      case Decoder::Kind::kBatch: any_intact = true; return &decoder.batch();
      case Decoder::Kind::kEnd: any_intact = true; return &decoder.end();
      case Decoder::Kind::kUnknown:
        any_intact = true;
        unknown = {at, decoder.why()};
        return &unknown;
      case Decoder::Kind::kMalformed: break;
    }
    damage = {at, length, "a frame is malformed: " + decoder.why(), false};
    return &damage;
  }

  Item next() {
    if (waiting) return *std::exchange(waiting, std::nullopt);
    want(1);
    if (begin == end) return EndOfInput{};

    Found found = frame_here();
    if (found.length != 0) return take_frame(found.length);

    const std::uint64_t damaged_from = offset;
    const std::string why = found.detail;
    while (begin != end && found.length == 0) {
      if (vain > kVainAllowance + kVainPerByte * offset) {
        // Hostile or hopeless: go on by whole buffers without looking.
        consume(end - begin);
        want(1);
        continue;
      }
      skip_to_candidate();
      if (begin != end) found = frame_here();
    }
    const bool tail = found.length == 0;
    Damage skipped{damaged_from, offset - damaged_from, why, tail};
    if (!tail) {
      const Item item = take_frame(found.length);
      // A malformed frame right behind the damage is one more stretch of it.
      if (std::holds_alternative<const Damage*>(item)) {
        skipped.length += damage.length;
      } else {
        waiting = item;
      }
    }
    damage = std::move(skipped);
    return &damage;
  }
};

Reader::Reader(Read read) : impl_(std::make_unique<Impl>(std::move(read))) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

Reader::Item Reader::next() { return impl_->next(); }
std::uint64_t Reader::offset() const { return impl_->offset; }
bool Reader::nothing_intact() const { return !impl_->any_intact; }

Reader::Read read_from(int fd, std::string name) {
  return [fd, name = std::move(name)](std::byte* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(fd, to, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw system_error("cannot read " + name, errno);
    }
  };
}

Reader::Read read_from(Bytes bytes) {
  return [bytes](std::byte* to, std::size_t size) mutable {
    const std::size_t count = std::min(size, bytes.size());
    std::copy_n(bytes.begin(), count, to);
    bytes = bytes.subspan(count);
    return count;
  };
}

}  // namespace tcpaccept::capture
