// Pseudonyms of names: a letter for what it is, and eight hexadecimal digits of a keyed hash. The same name has the
// same pseudonym wherever it stands; from the pseudonym nobody gets the name without the key, and with the key only
// by trying names. Two names of a thousand share one once in nine thousand captures.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "anonymize/cipher.h"
#include "core/accept.h"

namespace tcpaccept::anonymize {

// Not thread safe: one for each thread.
class Names {
 public:
  explicit Names(const Key& key) : key_(key) {}

  // "c-3fa92c1d"; "" stays.
  Comm comm(const Comm& name);
  // "h-3fa92c1d"; "" stays.
  std::string host(std::string_view name) const;
  // In the form of a boot id; "" stays.
  std::string boot_id(std::string_view id) const;
  // Each component for itself: "/system.slice/ssh.service" is "/g-85e8eb10/g-0a1b2c3d", and what lies below one cgroup
  // still does. Where that would be too long for a capture, one pseudonym stands for all of it.
  std::string cgroup_path(std::string_view path);
  // Of one component.
  const std::string& cgroup(std::string_view component);

 private:
  static constexpr std::size_t kMostRemembered = 4096;

  std::string pseudonym(char kind, std::string_view name) const;
  const std::string& remembered(char kind, std::string_view name);

  Key key_;
  std::unordered_map<std::string, std::string> remembered_;
};

}  // namespace tcpaccept::anonymize
