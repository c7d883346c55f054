#include "kernel/struct_layout.h"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <memory>

#include "fake_tree.h"

namespace tcpaccept::kernel {
namespace {

// Builds BTF for a small kernel of our own, with the shapes that make the real one hard: anonymous members,
// typedefs and qualifiers on the way, members that are missing.
class BtfWriter {
 public:
  BtfWriter() : types_(btf__new_empty()) {
    u8_ = btf__add_int(types_, "unsigned char", 1, 0);
    u16_ = btf__add_int(types_, "unsigned short", 2, 0);
    u32_ = btf__add_int(types_, "unsigned int", 4, 0);
    u64_ = btf__add_int(types_, "unsigned long", 8, 0);
    be16_ = btf__add_typedef(types_, "__be16", u16_);
    pointer_ = btf__add_ptr(types_, 0);
    const16_ = btf__add_const(types_, u16_);
    in6_ = btf__add_struct(types_, "in6_addr", 16);
  }
  ~BtfWriter() { btf__free(types_); }
  BtfWriter(const BtfWriter&) = delete;
  BtfWriter& operator=(const BtfWriter&) = delete;

  int structure(const char* name, unsigned size) { return btf__add_struct(types_, name, size); }
  void member(const char* name, int type, unsigned offset, unsigned bits = 0) {
    ASSERT_EQ(btf__add_field(types_, name, type, offset * 8, bits), 0);
  }
  // struct net { ...; struct ns_common { ...; unsigned int inum; } ns; }
  void network() {
    const int ns = structure("ns_common", 16);
    member("inum", u32_, 8);
    structure("net", 200);
    member("ns", ns, 128);
  }
  // struct sock_common with the ports inside a union of anonymous structures.
  int common(unsigned ports = 12, bool v6 = true) {
    const int possible_net = btf__add_struct(types_, nullptr, 8);
    member("net", pointer_, 0);
    const int ports_type = btf__add_struct(types_, nullptr, 4);
    member("skc_dport", be16_, 0);
    member("skc_num", u16_, 2);
    const int ports_union = btf__add_union(types_, nullptr, 4);
    member("skc_portpair", u32_, 0);
    member(nullptr, ports_type, 0);
    const int common_type = structure("sock_common", 136);
    member("skc_daddr", u32_, 0);
    member("skc_rcv_saddr", u32_, 4);
    member(nullptr, ports_union, ports);
    member("skc_family", u16_, ports + 4);
    member("skc_net", possible_net, 48);
    if (v6) {
      member("skc_v6_daddr", in6_, 56);
      member("skc_v6_rcv_saddr", in6_, 72);
    }
    return common_type;
  }
  int sock(int common_type) {
    const int type = structure("sock", 700);
    member("__sk_common", common_type, 0);
    member("sk_protocol", const16_, 540);
    member("sk_ack_backlog", u32_, 576);
    member("sk_max_ack_backlog", u32_, 580);
    return type;
  }
  void save(const test::FakeTree& tree) {
    std::uint32_t size = 0;
    const void* data = btf__raw_data(types_, &size);
    tree.write("btf", {static_cast<const char*>(data), size});
  }

  btf* types_;
  int u8_, u16_, u32_, u64_, be16_, pointer_, const16_, in6_;
};

TEST(SocketLayout, FollowsAnonymousMembersAndNestedStructures) {
  test::FakeTree tree;
  BtfWriter btf;
  const int sock = btf.sock(btf.common());
  btf.network();
  btf.structure("inet_sock", 900);
  btf.member("sk", sock, 0);
  btf.member("inet_sport", btf.be16_, 776);
  const int rcvq = btf__add_struct(btf.types_, nullptr, 16);
  btf.member("space", btf.u32_, 0);
  btf.member("time", btf.u64_, 8);
  btf.structure("tcp_sock", 2300);
  btf.member("srtt_us", btf.u32_, 1624);
  btf.member("rcvq_space", rcvq, 2144);
  btf.structure("socket", 128);
  btf.member("file", btf.pointer_, 16);
  btf.member("sk", btf.pointer_, 24);
  btf.structure("mptcp_sock", 2000);
  btf.member("first", btf.pointer_, 1736);
  btf.save(tree);

  const SocketLayout layout = read_socket_layout(tree.path("btf"));
  SocketLayout expected;
  expected.source = "btf";
  expected.skc_ports = 12;
  expected.skc_v6_daddr = 56;
  expected.skc_v6_rcv_saddr = 72;
  expected.skc_net = 48;
  expected.sk_protocol = Member{540, 2};
  expected.sk_ack_backlog = Member{576, 4};
  expected.sk_max_ack_backlog = Member{580, 4};
  expected.inet_sport = Member{776, 2};
  expected.rcvq_space_time = Member{2152, 8};
  expected.srtt_us = Member{1624, 4};
  expected.has_mptcp = true;
  expected.mptcp_first = 1736;
  expected.net_ns_inum = 136;
  expected.socket_file = 16;
  expected.socket_sk = 24;
  EXPECT_EQ(layout, expected);
}

TEST(SocketLayout, KernelWithoutIpv6AndBitfields) {
  test::FakeTree tree;
  BtfWriter btf;
  const int common = btf.common(12, false);
  btf.structure("sock", 700);
  btf.member("__sk_common", common, 0);
  btf.member("sk_protocol", btf.u32_, 541, 8);  // unsigned int sk_protocol : 8, as before 5.6
  btf.save(tree);
  const SocketLayout layout = read_socket_layout(tree.path("btf"));
  EXPECT_EQ(layout.source, "btf");
  EXPECT_EQ(layout.skc_v4_pair, 0u);
  EXPECT_FALSE(layout.skc_v6_daddr);
  EXPECT_EQ(layout.sk_protocol, (Member{541, 1}));
  EXPECT_FALSE(layout.has_mptcp);
  EXPECT_FALSE(layout.inet_sport);
}

TEST(SocketLayout, ImplausibleBtfFallsBack) {
  test::FakeTree tree;
  BtfWriter btf;
  const int common = btf__add_struct(btf.types_, "sock_common", 136);
  btf.member("skc_dport", btf.be16_, 12);
  btf.member("skc_num", btf.u16_, 20);
  btf.member("skc_family", btf.u16_, 16);
  btf.sock(common);
  btf.save(tree);
  SocketLayout layout = read_socket_layout(tree.path("btf"));
  EXPECT_NE(layout.note, "");
  layout.note = "";
  EXPECT_EQ(layout, default_socket_layout());
}

TEST(SocketLayout, AbsentEmptyAndBrokenBtfFallBack) {
  test::FakeTree tree;
  tree.write("empty", "");
  tree.write("text", "this is no type information");
  BtfWriter btf;
  btf.sock(btf.common());
  btf.save(tree);
  tree.write("cut", tree.read("btf").substr(0, 200));
  for (const char* file : {"absent", "empty", "text", "cut"}) {
    SocketLayout layout = read_socket_layout(tree.path(file));
    EXPECT_NE(layout.note.find(tree.path(file)), std::string::npos) << layout.note;
    layout.note = "";
    EXPECT_EQ(layout, default_socket_layout()) << file;
  }
}

TEST(SocketLayout, RunningKernel) {
  const char* path = "/sys/kernel/btf/vmlinux";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "this kernel has no BTF at " << path;
  const SocketLayout layout = read_socket_layout(path);
  EXPECT_EQ(layout.source, "btf");
  EXPECT_EQ(layout.note, "");
  EXPECT_EQ(layout.skc_ports, 12u);
  EXPECT_TRUE(layout.sk_protocol);
  EXPECT_TRUE(layout.inet_sport);
  EXPECT_TRUE(layout.rcvq_space_time);
  EXPECT_TRUE(layout.srtt_us);
  EXPECT_TRUE(layout.sk_ack_backlog);
  EXPECT_TRUE(layout.sk_max_ack_backlog);
  EXPECT_TRUE(layout.socket_file);
}

}  // namespace
}  // namespace tcpaccept::kernel
