// Proves that an anonymised capture holds nothing it should not, from its bytes and from what was in the originals.
//
// It keeps what the originals held (addresses, names), reads the finished file and refuses it unless all of this holds:
//
//   1. Each frame is, byte for byte, what its decoded values are encoded to. So there is nothing in the file but these
//      values: no rest of a buffer, no unknown field, nothing between frames.
//   2. Each address in it is the pseudonym of an original address: undone with the key it gives one that was seen.
//      And it is another one, except in the classes that stay (address_map.h). An original address that was left as it
//      was fails this; one that happens to be the pseudonym of another does not.
//   3. Each COMM, host name, boot id and component of a cgroup path is a pseudonym that some original name has (a COMM:
//      or an original COMM, with Settings::keep_comm). Every other text is one that texts.h knows; kernel, machine and
//      distribution hold no original address, nor the name or boot id of their own host as a word. (That they hold the
//      name of another host is nothing that the capture of their own would not tell.)
//   4. The batches in plain form, which are all values as they are, do not hold an original address in 16 bytes (in
//      network order, or each half little-endian, as Cap'n Proto has it), its text of seven characters or more, or an
//      original name of eight bytes or more; except where it is what 2 and 3 allow. This finds what a later field
//      might hold that 2 and 3 do not know. (Packed columns are these values again, by 1; searched as they are they
//      hold any text by chance: indexes that count up spell "abcdefgh".) Left out of the search are the columns of
//      figures, which ports can make to spell anything, and commands that stay: "gunicorn: maste" holds "gunicorn",
//      which may be a cgroup.
//
// Text (a table, CSV, JSON) is made of batches. Each is refused before a writer gets it, unless 2 and 3 hold of all its
// values: that is where names are looked for, of any length. In what was written only the texts of original addresses
// are (address_texts.h), because a process can call itself by what a format writes: eight spaces, "inet6,tcp",
// "\"sport\":22". A part of a text that is, as a whole, an address that may be there is no leak: fd00:2001:db8::1,
// which stays, holds the text of 2001:db8::1.
//
// Not searched for: four bytes of an IPv4 address alone, which occur by chance in any file (2 looks at each value
// instead), addresses of ::/64 in binary (they look like small numbers), and numbers such as pids.
//
// Memory is bounded: 750,000 distinct addresses (8 MiB) and 200,000 distinct names (2 MiB each) are known
// exactly; of more every second one is followed, then every fourth (seen.h). caveat() says so. What is the same
// mistake for all addresses is still found for certain.
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "anonymize/anonymizer.h"
#include "anonymize/seen.h"
#include "capture/codec.h"

namespace tcpaccept::anonymize {

// note(), check_rows() and check_text() may be called by several threads.
class LeakCheck {
 public:
  explicit LeakCheck(const Settings& settings);

  // What the originals hold, before it is anonymised.
  void note(const capture::Start& start);
  void note(const capture::Batch& batch);

  // Reads the file from its start; `name` is for messages. Throws Error if anything of the above does not hold.
  void check(int fd, capture::Packing packing, const std::string& name);
  // The same for bytes in memory, all frames.
  void check(Bytes frames, capture::Packing packing, const std::string& name);
  // What is to become text. Throws Error.
  void check_rows(const capture::Batch& batch, const std::string& name);
  // Of a text whole lines, before they are written. Throws Error.
  void check_text(std::string_view lines, const std::string& name);

  // What the check cannot say for certain, or "".
  std::string caveat() const;

 private:
  class Found;  // what ends a check

  void check_frame(Bytes frame, capture::Packing packing);
  void check_start(const capture::Start& start);
  void check_batch(const capture::Batch& batch);
  void check_addresses(std::vector<IpAddress>& addresses);
  void check_system_text(const char* what, const std::string& text, const capture::Start& start);
  void check_comm(const Comm& comm);
  void check_path(std::string_view path);
  void search(Bytes plain);
  void search_address(std::uint64_t high, std::uint64_t low);
  void search_address_texts(std::string_view text, const char* where);
  void search_name(std::string_view rest);
  // Of one of the originals, or what stays as it is.
  bool is_pseudonym(const IpAddress& address);
  // The same of a text that is an address as a whole, which then must have been in the originals if it stays.
  bool may_stand(std::string_view text);
  IpAddress& proved_at(const IpAddress& address);
  void refuse_leak(const IpAddress& address, const char* where);
  void note_name(std::string_view name);

  std::mutex mutex_;
  Settings settings_;
  Anonymizer own_;  // pseudonyms are worked out again here
  Seen addresses_;
  Seen names_;        // COMMs and components that are to be hidden
  Seen fronts_;       // their first eight bytes
  Seen kept_;         // COMMs that stay
  Seen hosts_;        // and boot ids, each with its pseudonym
  Seen pseudonyms_;   // that names may have
  // A bit that is not set tells at once that an address, or the front of a name, was not seen.
  static constexpr unsigned kFilterBits = 19;
  using Filter = std::bitset<std::size_t{1} << kFilterBits>;
  static std::size_t filter_bit(std::uint64_t high, std::uint64_t low) {
    return ((high * 0x9e3779b97f4a7c15u) ^ (low * 0xbf58476d1ce4e5b9u)) >> (64 - kFilterBits);
  }
  void note_address(const IpAddress& address);

  std::unique_ptr<Filter> address_filter_;
  std::unique_ptr<Filter> front_filter_;
  std::bitset<256> lengths_;  // of names_
  std::vector<IpAddress> proved_;  // addresses found good lately
  // Texts of pseudonyms found lately.
  struct ProvedText {
    std::uint8_t size = 0;
    std::array<char, kMaxAddressText> text;
    bool operator==(std::string_view other) const { return std::string_view(text.data(), size) == other; }
  };
  std::vector<ProvedText> proved_texts_;
  std::vector<IpAddress> table_;
  std::vector<IpAddress> restored_;
  capture::Encoder encoder_;
  capture::Decoder decoder_;
};

}  // namespace tcpaccept::anonymize
