// Where the kernel keeps what we want to know about a socket: member offsets from its BTF.
//
// Only struct sock_common has kept its layout over the years; everything else moves between kernels and is read
// from BTF. Kernel probes get plain offsets, because BTF names in probe definitions need 6.6 or newer and cost
// more per event. Without usable BTF the part that never moved is left, and the probe does with less.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tcpaccept::kernel {

// Offset in bytes from the start of the structure, size in bytes (1, 2, 4 or 8 for what we fetch).
struct Member {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool operator==(const Member&) const = default;
};

// Absent = unknown or not in this kernel. Offsets of struct sock unless named otherwise; struct inet_sock,
// tcp_sock and mptcp_sock begin with a struct sock.
struct SocketLayout {
  // The ports begin a run of 8 bytes: dport (be16), num (u16), family (u16), state (u8).
  std::uint32_t skc_ports = 12;
  std::optional<std::uint32_t> skc_v6_daddr;      // 16 bytes; holds the mapped address for IPv4 as well
  std::optional<std::uint32_t> skc_v6_rcv_saddr;  // 16 bytes
  std::optional<std::uint32_t> skc_v4_pair;       // daddr, rcv_saddr (be32 each), side by side
  std::optional<std::uint32_t> skc_net;           // struct net *
  std::optional<Member> sk_protocol;
  std::optional<Member> sk_ack_backlog;
  std::optional<Member> sk_max_ack_backlog;
  std::optional<Member> inet_sport;            // of inet_sock, be16
  std::optional<Member> rcvq_space_time;       // of tcp_sock, microseconds
  std::optional<Member> srtt_us;               // of tcp_sock, microseconds << 3
  bool has_mptcp = false;                      // the kernel knows struct mptcp_sock
  std::optional<std::uint32_t> mptcp_first;    // of mptcp_sock: struct sock * of the first subflow
  std::optional<std::uint32_t> net_ns_inum;    // of struct net, u32
  std::optional<std::uint32_t> socket_file;    // of struct socket: struct file *
  std::optional<std::uint32_t> socket_sk;      // of struct socket: struct sock *
  std::string source = "default";              // "btf" or "default"
  std::string note;                            // why BTF was not used, else ""

  bool operator==(const SocketLayout&) const = default;
};

// What is known of every kernel without asking it: the start of struct sock_common.
SocketLayout default_socket_layout();

// Reads `btf_path` (raw BTF or an ELF file with a .BTF section; about 10 ms for a kernel's). Never throws for
// what the file holds or lacks: falls back to the default and says why in `note`.
SocketLayout read_socket_layout(const std::string& btf_path);

}  // namespace tcpaccept::kernel
