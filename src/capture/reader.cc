#include "capture/reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "capture/crc32c.h"
#include "capture/format.h"
#include "core/error.h"

namespace tcpaccept::capture {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
// After a batch was passed over, for the index part of the next one: the first time, and later by the one before.
constexpr std::size_t kPeekBytes = std::size_t{16} << 10;
constexpr std::size_t kMostPeeked = std::size_t{64} << 10;

// While looking for the next intact frame every place that looks like one must be checksummed. Bytes of sync words
// that each claim a large frame would make that quadratic, so the work is bounded: so many bytes checksummed in
// vain for each byte of input, after a first allowance.
constexpr std::uint64_t kVainAllowance = std::uint64_t{4} * kMaxFrameBytes;
constexpr std::uint64_t kVainPerByte = 4;

}  // namespace

struct FrameReader::Impl {
  explicit Impl(Source from) : source(std::move(from)) {}

  // ---- input window: bytes [begin, end) of `buffer` are offset .. offset + (end - begin) of the input ----

  Source source;
  std::size_t read_bytes = kReadBytes;
  std::size_t usual_bytes = kReadBytes;
  std::size_t peek_bytes = kPeekBytes;
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
      if (buffer.size() * 8 - end < std::min(read_bytes, size - (end - begin))) {
        to_front();
        const std::size_t needed = std::max(size, end) + read_bytes;
        if (buffer.size() * 8 < needed) buffer.resize((needed + 7) / 8);
      }
      const std::size_t room = buffer.size() * 8 - end;
      const std::size_t got = source.read(base() + end, std::min(room, std::max(read_bytes, size - (end - begin))));
      if (got == 0) exhausted = true;
      end += got;
    }
    return end - begin >= size;
  }

  void consume(std::size_t size) {
    begin += size;
    offset += size;
  }

  // Moves past `size` bytes, of which the window may hold only the first; false if the input ends before.
  bool pass(std::size_t size) {
    const std::size_t here = std::min(size, end - begin);
    if (here < size && source.skip && source.skip(size - here)) {
      begin = end = 0;
      offset += size;
      read_bytes = peek_bytes;
      return true;
    }
    if (!want(size)) return false;
    consume(size);
    return true;
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
    std::size_t index = 0;   // so much of it is known to be intact
    std::string why;         // if there is none
  };

  // Is there an intact frame at the start of the window, or, if it is a batch, the intact index part of one?
  Found frame_here() {
    if (!want(kHeadBytes)) {
      return {.why = "cut short: " + std::to_string(end - begin) + " bytes where a frame should begin"};
    }
    const auto length = frame_length(window());
    if (!length) return {.why = "not a frame"};
    if (want(kIndexHeadBytes)) {
      const std::size_t index = index_length(window(), *length);
      peek_bytes = std::min(kMostPeeked, (index + index / 8) / 4096 * 4096 + 4096);
      if (index != 0 && want(index)) {
        if (load<std::uint32_t>(&window()[kIndexCrcOffset]) == index_checksum(window().first(index))) {
          return {.length = *length, .index = index};
        }
        vain += index;
      }
    }
    return whole_frame_here(*length);
  }

  Found whole_frame_here(std::size_t length) {
    if (!want(length)) {
      return {.why = "cut short: " + std::to_string(end - begin) + " of the frame's " + std::to_string(length) +
                     " bytes"};
    }
    const Bytes frame = window().first(length);
    if (load<std::uint32_t>(&frame[kCrcOffset]) != frame_checksum(frame)) {
      vain += length;
      return {.why = "the checksum of a frame does not match"};
    }
    return {.length = length, .index = length};
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
  std::deque<Item> waiting;     // found, not yet handed out: at most a damage and what is behind it
  std::uint64_t vain = 0;       // bytes checksummed without finding a frame
  bool any_intact = false;
  // The batch handed out last, still at the start of the window: its length, and how much of it is known to be intact.
  std::size_t pending = 0;
  std::size_t pending_intact = 0;
  bool padded = false;  // the recorder may have left zeros behind what it handed out last

  Item take_frame(const Found& found) {
    align();
    const std::uint64_t at = offset;
    const Decoder::Kind kind = decoder.decode(window().first(found.index));
    if (kind == Decoder::Kind::kBatch) {
      any_intact = true;
      pending = found.length;
      pending_intact = found.index;
      padded = decoder.batch().tables->open != 0;
      return &decoder.batch();
    }
    // Whatever is not a batch has no index part; a frame that says otherwise is proved whole.
    if (found.index < found.length) {
      const Found whole = whole_frame_here(found.length);
      if (whole.length == 0) return damage_from_here(whole.why);
      return take_frame(whole);
    }
    consume(found.length);
    padded = false;
    switch (kind) {
      case Decoder::Kind::kStart: any_intact = true; return &decoder.start();
      case Decoder::Kind::kEnd: any_intact = true; return &decoder.end();
      case Decoder::Kind::kUnknown:
        any_intact = true;
        unknown = {at, decoder.why()};
        return &unknown;
      default: break;
    }
    damage = {at, found.length, malformed(), false};
    return &damage;
  }

  void tell_first(const Item& item) { waiting.push_front(item); }

  std::string malformed() const { return "a frame is malformed: " + decoder.why(); }

  // Done with the batch handed out last.
  void leave_pending() {
    if (pending == 0) return;
    const std::size_t length = std::exchange(pending, 0);
    if (pending_intact == length || !source.skip) read_bytes = usual_bytes;
    if (pass(length)) return;
    tell_first(damage_from_here(whole_frame_here(length).why));
  }

  // The whole batch handed out last. Empty: it is damaged, which is then what waits.
  Bytes pending_frame() {
    if (pending == 0) return {};
    if (pending_intact != pending) {
      read_bytes = usual_bytes;
      const Found found = whole_frame_here(pending);
      if (found.length == 0) {
        pending = 0;
        tell_first(damage_from_here(found.why));
        return {};
      }
      pending_intact = pending;
    }
    align();
    return window().first(pending);
  }

  // The batch handed out last turned out not to be one.
  bool spoil_pending() {
    const Damage spoilt{offset, pending, malformed(), false};
    const std::size_t length = std::exchange(pending, 0);
    if (pass(length)) {
      damage = spoilt;
      tell_first(&damage);
    } else {
      tell_first(damage_from_here(whole_frame_here(length).why));
    }
    return false;
  }

  bool read_peers() { return pending != 0 && (decoder.read_peers() || spoil_pending()); }

  bool read(Columns wanted, Batch& to) {
    const Bytes whole = pending_frame();
    if (whole.empty()) return false;
    if (decoder.decode(whole) != Decoder::Kind::kBatch) return spoil_pending();
    return decoder.read(wanted, to) || spoil_pending();
  }

  Item next() {
    if (waiting.empty()) leave_pending();
    if (!waiting.empty()) {
      const Item item = waiting.front();
      waiting.pop_front();
      return item;
    }
    if (padded) pass_zeros();
    want(1);
    if (begin == end) return EndOfInput{};

    const Found found = frame_here();
    return found.length != 0 ? take_frame(found) : damage_from_here(found.why);
  }

  // What is at the start of the window is no frame: looks for the next one.
  Item damage_from_here(const std::string& why) {
    const std::uint64_t damaged_from = offset;
    Found found;
    // Who connects chooses ports, and could put a frame of its own making into the columns of a batch: where the length of
    // what is damaged is known to be right, nothing within it is looked at.
    if (const auto length = frame_length(window()); length && want(*length + kHeadBytes)) {
      if (frame_length(window().subspan(*length))) {
        consume(*length);
        found = frame_here();
      }
    }
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
      const Item item = take_frame(found);
      // A malformed frame right behind the damage is one more stretch of it.
      if (std::holds_alternative<const Damage*>(item)) {
        skipped.length += damage.length;
      } else {
        waiting.push_back(item);
      }
    }
    if (tail) padded = false;
    damage = std::move(skipped);
    return &damage;
  }

  // In whole words, as frames are: one begins with half a word of zeros.
  void pass_zeros() {
    padded = false;
    const auto zeros = [&] {
      const Bytes bytes = window();
      return static_cast<std::size_t>(
          std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; }) - bytes.begin());
    };
    while (want(8)) {
      const std::size_t words = zeros() / 8;
      if (words == 0) return;
      consume(words * 8);
    }
    if (zeros() == end - begin) consume(end - begin);
  }
};

FrameReader::FrameReader(Source source) : impl_(std::make_unique<Impl>(std::move(source))) {}
FrameReader::~FrameReader() = default;
FrameReader::FrameReader(FrameReader&&) noexcept = default;
FrameReader& FrameReader::operator=(FrameReader&&) noexcept = default;

FrameReader::Item FrameReader::next() { return impl_->next(); }
bool FrameReader::read_peers() { return impl_->read_peers(); }
void FrameReader::be_frugal() { impl_->usual_bytes = impl_->read_bytes = kPeekBytes; }
Bytes FrameReader::frame() { return impl_->pending_frame(); }
bool FrameReader::read(Columns wanted, Batch& to) { return impl_->read(wanted, to); }
std::uint64_t FrameReader::offset() const { return impl_->offset + impl_->pending; }
std::uint64_t FrameReader::begin() const { return impl_->offset; }
bool FrameReader::nothing_intact() const { return !impl_->any_intact; }

Reader::Item Reader::next() {
  const FrameReader::Item item = frames_.next();
  return std::visit(
      [&](auto value) -> Item {
        if constexpr (!std::is_same_v<decltype(value), const BatchFrame*>) {
          return value;
        } else {
          if (frames_.read(kAllColumns, batch_)) return &batch_;
          return next();
        }
      },
      item);
}

namespace {

// A regular file from where it stands on, which it is moved from: others may read on. It is asked for its size only when
// it seems to end; one that becomes shorter meanwhile (its recorder writes the last batch anew) ends early.
class FileSource {
 public:
  FileSource(int fd, std::string name, std::uint64_t at) : fd_(fd), name_(std::move(name)), at_(at) {}

  std::size_t read(std::byte* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(fd_, to, size);
      if (got >= 0) {
        at_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) throw system_error("cannot read " + name_, errno);
    }
  }
  bool skip(std::uint64_t count) {
    if (count > kMaxFrameBytes) return false;
    if (at_ + count > size_) {
      struct stat status {};
      size_ = ::fstat(fd_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
      if (at_ + count > size_) return false;
    }
    if (::lseek(fd_, static_cast<off_t>(count), SEEK_CUR) < 0) return false;
    at_ += count;
    return true;
  }

 private:
  int fd_;
  std::string name_;
  std::uint64_t at_;
  std::uint64_t size_ = 0;  // when it was last asked for
};

}  // namespace

Source read_from(int fd, std::string name) {
  struct stat status {};
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  if (at >= 0 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    const auto file = std::make_shared<FileSource>(fd, std::move(name), static_cast<std::uint64_t>(at));
    return {.read = [file](std::byte* to, std::size_t size) { return file->read(to, size); },
            .skip = [file](std::uint64_t count) { return file->skip(count); }};
  }
  return {.read = [fd, name = std::move(name)](std::byte* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(fd, to, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw system_error("cannot read " + name, errno);
    }
  }};
}

Source read_from(Bytes bytes) {
  return {.read = [bytes](std::byte* to, std::size_t size) mutable {
    const std::size_t count = std::min(size, bytes.size());
    std::copy_n(bytes.begin(), count, to);
    bytes = bytes.subspan(count);
    return count;
  }};
}

}  // namespace tcpaccept::capture
