#include "kernel/struct_layout.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "core/error.h"

namespace tcpaccept::kernel {
namespace {

// No structure of interest is this large; an offset beyond it means that we misread something.
constexpr std::uint32_t kMaxOffset = 64 * 1024;
// Anonymous members nest a few levels deep in the kernel; hostile BTF could nest them in a circle.
constexpr int kMaxDepth = 16;

struct BtfFree {
  void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, BtfFree>;

int be_silent(libbpf_print_level, const char*, va_list) { return 0; }

struct Found {
  std::uint32_t offset = 0;  // bytes
  std::uint32_t size = 0;    // bytes
  std::uint32_t type = 0;
};

const btf_type* plain_type(const btf* types, std::uint32_t& id) {
  const btf_type* type = btf__type_by_id(types, id);
  for (int depth = 0; type != nullptr && depth < kMaxDepth; ++depth) {
    if (!btf_is_mod(type) && !btf_is_typedef(type)) return type;
    id = type->type;
    type = btf__type_by_id(types, id);
  }
  return nullptr;
}

// Looks for a member by name, also inside anonymous structures and unions.
std::optional<Found> find_member(const btf* types, std::uint32_t struct_id, std::string_view name, int depth = 0) {
  const btf_type* type = plain_type(types, struct_id);
  if (type == nullptr || !btf_is_composite(type) || depth > kMaxDepth) return std::nullopt;
  const btf_member* members = btf_members(type);
  for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
    const char* text = btf__name_by_offset(types, members[i].name_off);
    const std::uint32_t bits = btf_member_bit_offset(type, i);
    if (bits % 8 != 0) continue;
    if (text == nullptr || *text == '\0') {
      if (auto inner = find_member(types, members[i].type, name, depth + 1)) {
        inner->offset += bits / 8;
        return inner;
      }
    } else if (name == text) {
      const std::uint32_t bit_size = btf_member_bitfield_size(type, i);
      if (bit_size % 8 != 0) return std::nullopt;
      const std::int64_t size = bit_size != 0 ? std::int64_t{bit_size} / 8 : btf__resolve_size(types, members[i].type);
      if (size < 0 || size > kMaxOffset || bits / 8 > kMaxOffset) return std::nullopt;
      return Found{.offset = bits / 8, .size = static_cast<std::uint32_t>(size), .type = members[i].type};
    }
  }
  return std::nullopt;
}

class Finder {
 public:
  explicit Finder(const btf* types) : types_(types) {}

  bool has(const char* structure) const {
    return btf__find_by_name_kind(types_, structure, BTF_KIND_STRUCT) > 0;
  }

  // A member reached through named members held by value, as in C: structure.path[0].path[1]...
  std::optional<Found> find(const char* structure, std::initializer_list<const char*> path) const {
    const int id = btf__find_by_name_kind(types_, structure, BTF_KIND_STRUCT);
    if (id <= 0) return std::nullopt;
    Found at{.offset = 0, .size = 0, .type = static_cast<std::uint32_t>(id)};
    for (const char* name : path) {
      const auto next = find_member(types_, at.type, name);
      if (!next || next->offset > kMaxOffset - at.offset) return std::nullopt;
      at = {.offset = at.offset + next->offset, .size = next->size, .type = next->type};
    }
    return at;
  }

  std::optional<Member> number(const char* structure, std::initializer_list<const char*> path) const {
    const auto found = find(structure, path);
    if (!found) return std::nullopt;
    if (found->size != 1 && found->size != 2 && found->size != 4 && found->size != 8) return std::nullopt;
    return Member{.offset = found->offset, .size = found->size};
  }

  std::optional<std::uint32_t> offset(const char* structure, std::initializer_list<const char*> path,
                                      std::uint32_t size) const {
    const auto found = find(structure, path);
    if (!found || found->size != size) return std::nullopt;
    return found->offset;
  }

 private:
  const btf* types_;
};

SocketLayout fallback(const std::string& why) {
  SocketLayout layout = default_socket_layout();
  layout.note = why + ": queue wait, network namespace and protocol are not recorded";
  return layout;
}

}  // namespace

SocketLayout default_socket_layout() {
  SocketLayout layout;
  layout.skc_ports = 12;
  layout.skc_v4_pair = 0;
  layout.skc_v6_daddr = 56;
  layout.skc_v6_rcv_saddr = 72;
  return layout;
}

SocketLayout read_socket_layout(const std::string& btf_path) {
  libbpf_set_print(be_silent);
  errno = 0;
  const Btf types{btf__parse(btf_path.c_str(), nullptr)};
  if (types == nullptr || libbpf_get_error(types.get()) != 0) {
    return fallback("no type information in " + btf_path + " (" + errno_text(errno) + ")");
  }
  const Finder finder{types.get()};

  SocketLayout layout;
  layout.source = "btf";
  // The probe fetches ports, family and state as one word, so they must lie as they always did.
  const auto dport = finder.offset("sock_common", {"skc_dport"}, 2);
  const auto num = finder.offset("sock_common", {"skc_num"}, 2);
  const auto family = finder.offset("sock_common", {"skc_family"}, 2);
  const auto common = finder.find("sock", {"__sk_common"});
  if (!dport || !num || !family || !common || common->offset != 0 || *num != *dport + 2 || *family != *dport + 4) {
    return fallback("the type information in " + btf_path + " does not describe struct sock as expected");
  }
  layout.skc_ports = *dport;

  layout.skc_v6_daddr = finder.offset("sock_common", {"skc_v6_daddr"}, 16);
  layout.skc_v6_rcv_saddr = finder.offset("sock_common", {"skc_v6_rcv_saddr"}, 16);
  if (!layout.skc_v6_daddr || !layout.skc_v6_rcv_saddr) {  // a kernel without IPv6
    const auto daddr = finder.offset("sock_common", {"skc_daddr"}, 4);
    const auto saddr = finder.offset("sock_common", {"skc_rcv_saddr"}, 4);
    if (!daddr || !saddr || *saddr != *daddr + 4) {
      return fallback("the type information in " + btf_path + " does not describe socket addresses as expected");
    }
    layout.skc_v6_daddr.reset();
    layout.skc_v6_rcv_saddr.reset();
    layout.skc_v4_pair = daddr;
  }
  layout.skc_net = finder.offset("sock_common", {"skc_net"}, sizeof(void*));
  layout.sk_protocol = finder.number("sock", {"sk_protocol"});
  layout.sk_ack_backlog = finder.number("sock", {"sk_ack_backlog"});
  layout.sk_max_ack_backlog = finder.number("sock", {"sk_max_ack_backlog"});
  layout.inet_sport = finder.number("inet_sock", {"inet_sport"});
  if (layout.inet_sport && layout.inet_sport->size != 2) layout.inet_sport.reset();
  layout.rcvq_space_time = finder.number("tcp_sock", {"rcvq_space", "time"});
  // A 32-bit time stamp (before 4.13) wraps and cannot be compared with a clock.
  if (layout.rcvq_space_time && layout.rcvq_space_time->size != 8) layout.rcvq_space_time.reset();
  layout.srtt_us = finder.number("tcp_sock", {"srtt_us"});
  layout.has_mptcp = finder.has("mptcp_sock");
  layout.mptcp_first = finder.offset("mptcp_sock", {"first"}, sizeof(void*));
  layout.net_ns_inum = finder.offset("net", {"ns", "inum"}, 4);
  layout.socket_file = finder.offset("socket", {"file"}, sizeof(void*));
  layout.socket_sk = finder.offset("socket", {"sk"}, sizeof(void*));
  return layout;
}

}  // namespace tcpaccept::kernel
