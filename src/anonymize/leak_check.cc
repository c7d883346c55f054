#include "anonymize/leak_check.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "anonymize/address_texts.h"
#include "anonymize/texts.h"
#include "capture/format.h"
#include "capture/words.h"
#include "core/error.h"
#include "core/printable.h"

namespace tcpaccept::anonymize {
namespace {

constexpr std::size_t kMostAddresses = std::size_t{1} << 20;
constexpr std::size_t kMostNames = std::size_t{1} << 18;
constexpr std::size_t kProved = std::size_t{1} << 16;
constexpr std::size_t kProvedTexts = std::size_t{1} << 15;
// Shorter names and texts occur by chance.
constexpr std::size_t kShortestName = 8;
constexpr std::size_t kShortestAddressText = 7;
constexpr std::size_t kLongestName = 255;

// The first eight bytes of a name.
std::uint64_t front_of(std::string_view name) {
  static_assert(kShortestName == sizeof(std::uint64_t));
  std::uint64_t word = 0;
  std::memcpy(&word, name.data(), sizeof word);
  return word;
}

// A name of the host whose pseudonym stands there.
std::string own_name(std::string_view pseudonym, std::string_view name) {
  std::string own{pseudonym};
  own += '\0';
  return own += name;
}

// The columns of a batch hold no names and no addresses, but whoever connects can make them spell one: by the ports it
// connects from, one after the other.
void clear_figures(capture::Batch& batch) {
  const auto clear = [](auto&... columns) { (columns.clear(), ...); };
  clear(batch.time, batch.listener, batch.peer, batch.rport, batch.tid, batch.cpu, batch.wait_us, batch.ahead,
        batch.rtt_us, batch.left);
}

// As a number that was not recorded.
bool is_all_ones(std::string_view name) { return name.find_first_not_of('\xff') == std::string_view::npos; }

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

class LeakCheck::Found : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

LeakCheck::LeakCheck(const Settings& settings)
    : settings_(settings),
      own_(settings),
      addresses_(settings.key, "addresses", kMostAddresses),
      names_(settings.key, "names", kMostNames),
      fronts_(settings.key, "fronts", kMostNames),
      kept_(settings.key, "kept", kMostNames),
      hosts_(settings.key, "hosts", kMostNames),
      pseudonyms_(settings.key, "pseudonyms", kMostNames),
      address_filter_(std::make_unique<Filter>()),
      front_filter_(std::make_unique<Filter>()),
      proved_(kProved),
      proved_texts_(kProvedTexts) {}

void LeakCheck::note_name(std::string_view name) {
  if (name.size() < kShortestName) return;
  name = name.substr(0, kLongestName);
  lengths_.set(name.size());
  names_.add(names_.fingerprint(name));
  const std::uint64_t front = front_of(name);
  fronts_.add(fronts_.fingerprint(front, 0));
  front_filter_->set(filter_bit(front, 0));
}

void LeakCheck::note_address(const IpAddress& address) {
  const std::uint64_t high = capture::high_half(address);
  const std::uint64_t low = capture::low_half(address);
  addresses_.add(addresses_.fingerprint(high, low));
  address_filter_->set(filter_bit(high, low));
}

void LeakCheck::note(const capture::Start& start) {
  const std::lock_guard lock(mutex_);
  const std::pair<const std::string*, std::string> names[] = {{&start.host, own_.names().host(start.host)},
                                                              {&start.boot_id, own_.names().boot_id(start.boot_id)}};
  for (const auto& [name, pseudonym] : names) {
    if (!name->empty()) hosts_.add(hosts_.fingerprint(own_name(pseudonym, *name)));
    pseudonyms_.add(pseudonyms_.fingerprint(pseudonym));
  }
}

void LeakCheck::note(const capture::Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (const IpAddress& peer : batch.peers) note_address(peer);
  for (const Listener& listener : batch.listeners) {
    note_address(listener.saddr);
    const std::string_view comm = listener.comm.view();
    if (settings_.keep_comm) {
      kept_.add(kept_.fingerprint(comm));
    } else {
      note_name(comm);
      pseudonyms_.add(pseudonyms_.fingerprint(own_.names().comm(listener.comm).view()));
    }
  }
  for (const capture::CgroupPath& cgroup : batch.cgroups) {
    const std::string pseudonym = own_.names().cgroup_path(cgroup.path);
    for (const auto& [path, hidden] : {std::pair<std::string_view, bool>{cgroup.path, true}, {pseudonym, false}}) {
      for (std::string_view rest = path; !rest.empty();) {
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        if (hidden) {
          note_name(rest.substr(0, slash));
        } else {
          pseudonyms_.add(pseudonyms_.fingerprint(rest.substr(0, slash)));
        }
        rest.remove_prefix(std::min(slash + 1, rest.size()));
      }
    }
  }
}

// ---- values ----

// A place that is free holds ::, which stays whatever was seen.
IpAddress& LeakCheck::proved_at(const IpAddress& address) { return proved_[addresses_.fingerprint(address) % kProved]; }

bool LeakCheck::is_pseudonym(const IpAddress& address) {
  if (!own_.addresses().hides(address)) return true;
  IpAddress original = address;
  own_.addresses().restore(std::span(&original, 1));
  const std::uint64_t print = addresses_.fingerprint(original);
  return original != address && (!addresses_.follows(print) || addresses_.holds(print));
}

bool LeakCheck::may_stand(std::string_view text) {
  const auto address = parse_address(text);
  if (!address) return false;
  if (proved_at(*address) == *address) return true;
  if (own_.addresses().hides(*address)) return is_pseudonym(*address);
  const std::uint64_t print = addresses_.fingerprint(*address);
  return !addresses_.follows(print) || addresses_.holds(print);
}

void LeakCheck::refuse_leak(const IpAddress& address, const char* where) {
  if (!addresses_.holds(addresses_.fingerprint(address)) || is_pseudonym(address)) return;
  throw Found("the address " + to_string(address) + " in " + where);
}

void LeakCheck::check_addresses(std::vector<IpAddress>& addresses) {
  std::erase_if(addresses, [&](const IpAddress& address) { return proved_at(address) == address; });
  restored_ = addresses;
  own_.addresses().restore(restored_);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::uint64_t print = addresses_.fingerprint(restored_[i]);
    const bool known = !addresses_.follows(print) || addresses_.holds(print);
    if (!known) {
      throw Found("the address " + to_string(addresses[i]) + ", which is the pseudonym of no address");
    }
    if (restored_[i] == addresses[i] && own_.addresses().hides(addresses[i])) {
      throw Found("the address " + to_string(addresses[i]) + ", which is its own pseudonym");
    }
    proved_at(addresses[i]) = addresses[i];
  }
}

void LeakCheck::search_address_texts(std::string_view text, const char* where) {
  const auto look = [&](std::string_view found, const IpAddress& address) {
    if (found.size() >= kShortestAddressText) refuse_leak(address, where);
  };
  for_each_address(text, look, [&](std::string_view run) { return may_stand(run); });
}

void LeakCheck::check_system_text(const char* what, const std::string& text, const capture::Start& start) {
  if (text == kLeftOut) return;  // also where a host is called "left"
  search_address_texts(text, what);
  for (const std::string_view word : words(text)) {
    // Each part of the word that begins and ends at a joint.
    for (std::size_t begin = 0; begin < word.size(); ++begin) {
      if (begin != 0 && is_word_character(word[begin - 1])) continue;
      for (std::size_t end = begin + 1; end <= word.size(); ++end) {
        if (end != word.size() && is_word_character(word[end])) continue;
        const std::string_view part = word.substr(begin, end - begin);
        if (is_common_word(part)) continue;
        for (const std::string* pseudonym : {&start.host, &start.boot_id}) {
          if (hosts_.holds(hosts_.fingerprint(own_name(*pseudonym, part)))) {
            throw Found("the name " + printable(part) + " in " + what);
          }
        }
      }
    }
  }
}

void LeakCheck::check_comm(const Comm& comm) {
  const std::string_view text = comm.view();
  if (text.empty()) return;
  if (settings_.keep_comm) {
    const std::uint64_t print = kept_.fingerprint(text);
    if (kept_.follows(print) && !kept_.holds(print)) {
      throw Found("the command " + printable(text) + ", which was not there");
    }
    return;
  }
  const std::uint64_t print = pseudonyms_.fingerprint(text);
  if (pseudonyms_.follows(print) && !pseudonyms_.holds(print)) throw Found("the command " + printable(text));
}

void LeakCheck::check_path(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    const std::uint64_t print = pseudonyms_.fingerprint(component);
    if (!component.empty() && pseudonyms_.follows(print) && !pseudonyms_.holds(print)) {
      throw Found("the cgroup " + printable(component));
    }
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
}

void LeakCheck::check_start(const capture::Start& start) {
  for (const auto& [what, name] : {std::pair{"the host ", &start.host}, {"the boot id ", &start.boot_id}}) {
    const std::uint64_t print = pseudonyms_.fingerprint(*name);
    if (!name->empty() && pseudonyms_.follows(print) && !pseudonyms_.holds(print)) throw Found(what + printable(*name));
  }
  if (const std::string text = unknown_text(start, own_.description()); !text.empty()) {
    throw Found("the text \"" + printable(std::string_view(text).substr(0, 100)) + "\"");
  }
  check_system_text("the kernel's release", start.kernel, start);
  check_system_text("the kernel's build", start.kernel_build, start);
  check_system_text("the machine", start.machine, start);
  check_system_text("the distribution", start.distribution, start);
}

void LeakCheck::check_batch(const capture::Batch& batch) {
  table_ = batch.peers;
  for (const Listener& listener : batch.listeners) {
    table_.push_back(listener.saddr);
    check_comm(listener.comm);
  }
  check_addresses(table_);
  for (const capture::CgroupPath& cgroup : batch.cgroups) check_path(cgroup.path);
}

// ---- bytes ----

void LeakCheck::search_address(std::uint64_t high, std::uint64_t low) {
  if (!address_filter_->test(filter_bit(high, low)) || (high == 0 && low >> 32 != 0xffff)) return;
  if (addresses_.holds(addresses_.fingerprint(high, low))) refuse_leak(capture::make_address(high, low), "its bytes");
}

void LeakCheck::search_name(std::string_view rest) {
  const std::uint64_t front = front_of(rest);
  if (!front_filter_->test(filter_bit(front, 0)) || !fronts_.holds(fronts_.fingerprint(front, 0))) return;
  for (std::size_t length = kShortestName; length <= std::min(rest.size(), kLongestName); ++length) {
    if (!lengths_.test(length)) continue;
    const std::string_view name = rest.substr(0, length);
    if (!names_.holds(names_.fingerprint(name)) || pseudonyms_.holds(pseudonyms_.fingerprint(name)) ||
        is_all_ones(name)) {
      continue;
    }
    throw Found("the name " + printable(name) + " in its bytes");
  }
}

void LeakCheck::search(Bytes plain) {
  const std::string_view text = text_of(plain);
  search_address_texts(text, "its bytes");
  for (std::size_t at = 0; at + 8 <= plain.size(); at += 8) {
    search_name(text.substr(at));
    if (at + 16 > plain.size()) continue;
    const auto first = load<std::uint64_t>(&plain[at]);
    const auto second = load<std::uint64_t>(&plain[at + 8]);
    search_address(first, second);
    search_address(__builtin_bswap64(first), __builtin_bswap64(second));
  }
  // The components of a path begin anywhere.
  for (std::size_t at = text.find('/'); at < text.size(); at = text.find('/', at + 1)) {
    if (text.size() - at > kShortestName) search_name(text.substr(at + 1));
  }
}

// ---- frames ----

void LeakCheck::check_frame(Bytes frame, capture::Packing packing) {
  const auto same = [&](Bytes again) {
    if (!std::equal(frame.begin(), frame.end(), again.begin(), again.end())) {
      throw Found("bytes that its values do not account for");
    }
  };
  capture::Batch batch;
  switch (decoder_.decode(frame)) {
    case capture::Decoder::Kind::kStart:
      same(encoder_.encode(decoder_.start()));
      check_start(decoder_.start());
      search_address_texts(text_of(frame), "its bytes");  // its names are all known texts
      return;
    case capture::Decoder::Kind::kEnd:
      same(encoder_.encode(decoder_.end()));
      if (known_reason(decoder_.end().reason, [](std::uint32_t pid) { return pid; }) != decoder_.end().reason) {
        throw Found("the text \"" + printable(decoder_.end().reason) + "\"");
      }
      return;
    case capture::Decoder::Kind::kBatch:
      if (!decoder_.read(capture::kAllColumns, batch)) break;
      same(encoder_.encode(batch, packing));
      check_batch(batch);
      if (settings_.keep_comm) {
        for (Listener& listener : batch.listeners) {
          search_address_texts(listener.comm.view(), "a command; leave out --keep-comm");
          listener.comm = {};
        }
      }
      clear_figures(batch);
      search(encoder_.encode(batch, capture::Packing::kPlain));
      return;
    case capture::Decoder::Kind::kUnknown:
    case capture::Decoder::Kind::kMalformed:
      break;
  }
  throw Found("a frame that cannot be read");
}

void LeakCheck::check(Bytes frames, capture::Packing packing, const std::string& name) {
  try {
    while (!frames.empty()) {
      const auto length = frames.size() < capture::kHeadBytes ? std::nullopt : capture::frame_length(frames);
      if (!length || *length > frames.size()) throw Found("bytes that are no frame");
      check_frame(frames.first(*length), packing);
      frames = frames.subspan(*length);
    }
  } catch (const Found& found) {
    throw Error(name + " is not written: the leak check found " + found.what());
  }
}

void LeakCheck::check(int fd, capture::Packing packing, const std::string& name) {
  std::vector<std::uint64_t> words(capture::kHeadBytes / 8);
  std::uint64_t offset = 0;
  // Up to `length` bytes of what lies at the offset.
  const auto read = [&](std::size_t length) {
    words.resize((length + 7) / 8);
    auto* const to = reinterpret_cast<std::byte*>(words.data());
    std::size_t have = 0;
    while (have < length) {
      const ssize_t got = ::pread(fd, to + have, length - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw system_error("cannot read " + name + " for the leak check", errno);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    return Bytes{to, have};
  };
  for (;;) {
    const Bytes head = read(capture::kHeadBytes);
    if (head.empty()) return;
    const auto length = head.size() < capture::kHeadBytes ? std::nullopt : capture::frame_length(head);
    // What is no whole frame is refused as it is.
    const Bytes frame = read(length.value_or(head.size()));
    check(frame, packing, name);
    offset += frame.size();
  }
}

// ---- text ----

void LeakCheck::check_rows(const capture::Batch& batch, const std::string& name) {
  const std::lock_guard lock(mutex_);
  try {
    check_batch(batch);
  } catch (const Found& found) {
    throw Error(name + " is not written to its end: the leak check found " + found.what());
  }
}

void LeakCheck::check_text(std::string_view lines, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const char* const where = settings_.keep_comm ? "its text; if it is a command's, leave out --keep-comm" : "its text";
  // The same few addresses come again and again.
  const auto skip = [&](std::string_view run) {
    ProvedText& proved = proved_texts_[addresses_.fingerprint(run) % kProvedTexts];
    if (proved == run) return true;
    if (run.size() > proved.text.size() || !may_stand(run)) return false;
    proved.size = static_cast<std::uint8_t>(run.size());
    run.copy(proved.text.data(), run.size());
    return true;
  };
  try {
    const auto look = [&](std::string_view, const IpAddress& address) { refuse_leak(address, where); };
    for_each_address(lines, look, skip);
  } catch (const Found& found) {
    throw Error(name + " is not written to its end: the leak check found " + found.what());
  }
}

std::string LeakCheck::caveat() const {
  std::uint64_t names = 1;
  for (const Seen* seen : {&names_, &fronts_, &kept_, &hosts_, &pseudonyms_}) names = std::max(names, seen->one_of());
  if (addresses_.one_of() == 1 && names == 1) return "";
  const auto followed = [](std::uint64_t one_of, const std::string& what) {
    return one_of == 1 ? "all " + what : "one of " + std::to_string(one_of) + " " + what;
  };
  return "the leak check had too much to remember: it followed " + followed(addresses_.one_of(), "addresses") + " and " +
         followed(names, "names");
}

}  // namespace tcpaccept::anonymize
