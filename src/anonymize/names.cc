#include "anonymize/names.h"

#include "capture/model.h"

namespace tcpaccept::anonymize {
namespace {

void append_hex(std::string& text, const Digest& digest, std::size_t from, std::size_t bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = from; i < from + bytes; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
}

}  // namespace

std::string Names::pseudonym(char kind, std::string_view name) const {
  std::string text{kind, '-'};
  append_hex(text, keyed_hash(key_, std::string_view(&kind, 1), name), 0, 4);
  return text;
}

const std::string& Names::remembered(char kind, std::string_view name) {
  if (remembered_.size() >= kMostRemembered) remembered_.clear();
  std::string known{kind};
  known += name;
  std::string& text = remembered_[std::move(known)];
  if (text.empty()) text = pseudonym(kind, name);
  return text;
}

Comm Names::comm(const Comm& name) {
  const std::string_view text = name.view();
  return text.empty() ? Comm{} : Comm::from(remembered('c', text));
}

std::string Names::host(std::string_view name) const { return name.empty() ? "" : pseudonym('h', name); }

std::string Names::boot_id(std::string_view id) const {
  if (id.empty()) return "";
  const Digest digest = keyed_hash(key_, "boot", id);
  std::string text;
  std::size_t at = 0;
  for (const std::size_t bytes : {4u, 2u, 2u, 2u, 6u}) {
    if (at != 0) text += '-';
    append_hex(text, digest, at, bytes);
    at += bytes;
  }
  return text;
}

const std::string& Names::cgroup(std::string_view component) { return remembered('g', component); }

std::string Names::cgroup_path(std::string_view path) {
  std::string text;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    if (slash != 0) text += cgroup(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    text += '/';
    rest.remove_prefix(slash + 1);
  }
  return text.size() <= capture::kMaxCgroupPath ? text : "/" + cgroup(path);
}

}  // namespace tcpaccept::anonymize
