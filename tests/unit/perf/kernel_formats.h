// Format texts of our probe's events as four real kernels printed them (Debian cloud kernels in the test VM:
// 5.10.0-amd64 of bullseye, 6.1.0 of bookworm, 6.12 of trixie, 7.2 of sid), read from
// events/tcpaccept/EVENT/format while the graft plan was live.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tcpaccept::perf::test {

struct KernelFormat {
  const char* kernel;
  std::uint16_t id;
  std::string_view text;
};

inline constexpr std::array<KernelFormat, 6> kKernelFormats{{
    {"5.10", 1350, R"text(name: p116_sd4_neffffffc_ce41bced616e9890_tcp
ID: 1350
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long __probe_ip;	offset:8;	size:8;	signed:0;
	field:u64 pf;	offset:16;	size:8;	signed:0;
	field:u64 d0;	offset:24;	size:8;	signed:0;
	field:u64 d1;	offset:32;	size:8;	signed:0;
	field:u64 s0;	offset:40;	size:8;	signed:0;
	field:u64 s1;	offset:48;	size:8;	signed:0;
	field:u16 sport;	offset:56;	size:2;	signed:0;
	field:u16 proto;	offset:58;	size:2;	signed:0;
	field:u32 netns;	offset:60;	size:4;	signed:0;
	field:u64 est;	offset:64;	size:8;	signed:0;
	field:u32 srtt;	offset:72;	size:4;	signed:0;
	field:u32 ahead;	offset:76;	size:4;	signed:0;
	field:u32 limit;	offset:80;	size:4;	signed:0;
	field:u64 kfile;	offset:84;	size:8;	signed:0;
	field:__data_loc char[] comm;	offset:92;	size:4;	signed:1;

print fmt: "(%lx) pf=0x%Lx d0=0x%Lx d1=0x%Lx s0=0x%Lx s1=0x%Lx sport=%u proto=%u netns=%u est=%Lu srtt=%u ahead=%u limit=%u kfile=0x%Lx comm=\"%s\"", REC->__probe_ip, REC->pf, REC->d0, REC->d1, REC->s0, REC->s1, REC->sport, REC->proto, REC->netns, REC->est, REC->srtt, REC->ahead, REC->limit, REC->kfile, __get_str(comm)
)text"},
    {"6.1", 1395, R"text(name: p128_sdd_neffffffc_b51ae4cb7a88f196_tcp
ID: 1395
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long __probe_ip;	offset:8;	size:8;	signed:0;
	field:u64 pf;	offset:16;	size:8;	signed:0;
	field:u64 d0;	offset:24;	size:8;	signed:0;
	field:u64 d1;	offset:32;	size:8;	signed:0;
	field:u64 s0;	offset:40;	size:8;	signed:0;
	field:u64 s1;	offset:48;	size:8;	signed:0;
	field:u16 sport;	offset:56;	size:2;	signed:0;
	field:u16 proto;	offset:58;	size:2;	signed:0;
	field:u32 netns;	offset:60;	size:4;	signed:0;
	field:u64 est;	offset:64;	size:8;	signed:0;
	field:u32 srtt;	offset:72;	size:4;	signed:0;
	field:u32 ahead;	offset:76;	size:4;	signed:0;
	field:u32 limit;	offset:80;	size:4;	signed:0;
	field:u64 kfile;	offset:84;	size:8;	signed:0;
	field:__data_loc char[] comm;	offset:92;	size:4;	signed:1;

print fmt: "(%lx) pf=0x%Lx d0=0x%Lx d1=0x%Lx s0=0x%Lx s1=0x%Lx sport=%u proto=%u netns=%u est=%Lu srtt=%u ahead=%u limit=%u kfile=0x%Lx comm=\"%s\"", REC->__probe_ip, REC->pf, REC->d0, REC->d1, REC->s0, REC->s1, REC->sport, REC->proto, REC->netns, REC->est, REC->srtt, REC->ahead, REC->limit, REC->kfile, __get_str(comm)
)text"},
    {"6.1 mptcp", 1396, R"text(name: p128_sdd_neffffffc_b51ae4cb7a88f196_mptcp
ID: 1396
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long __probe_ip;	offset:8;	size:8;	signed:0;
	field:u64 pf;	offset:16;	size:8;	signed:0;
	field:u64 d0;	offset:24;	size:8;	signed:0;
	field:u64 d1;	offset:32;	size:8;	signed:0;
	field:u64 s0;	offset:40;	size:8;	signed:0;
	field:u64 s1;	offset:48;	size:8;	signed:0;
	field:u16 sport;	offset:56;	size:2;	signed:0;
	field:u16 proto;	offset:58;	size:2;	signed:0;
	field:u32 netns;	offset:60;	size:4;	signed:0;
	field:u64 est;	offset:64;	size:8;	signed:0;
	field:u32 srtt;	offset:72;	size:4;	signed:0;
	field:u32 ahead;	offset:76;	size:4;	signed:0;
	field:u32 limit;	offset:80;	size:4;	signed:0;
	field:u64 kfile;	offset:84;	size:8;	signed:0;
	field:__data_loc char[] comm;	offset:92;	size:4;	signed:1;

print fmt: "(%lx) pf=0x%Lx d0=0x%Lx d1=0x%Lx s0=0x%Lx s1=0x%Lx sport=%u proto=%u netns=%u est=%Lu srtt=%u ahead=%u limit=%u kfile=0x%Lx comm=\"%s\"", REC->__probe_ip, REC->pf, REC->d0, REC->d1, REC->s0, REC->s1, REC->sport, REC->proto, REC->netns, REC->est, REC->srtt, REC->ahead, REC->limit, REC->kfile, __get_str(comm)
)text"},
    {"6.12", 1557, R"text(name: p177_s100_neffffffc_70586d1fc3f0fcd3_tcp
ID: 1557
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long __probe_ip;	offset:8;	size:8;	signed:0;
	field:u64 pf;	offset:16;	size:8;	signed:0;
	field:u64 d0;	offset:24;	size:8;	signed:0;
	field:u64 d1;	offset:32;	size:8;	signed:0;
	field:u64 s0;	offset:40;	size:8;	signed:0;
	field:u64 s1;	offset:48;	size:8;	signed:0;
	field:u16 sport;	offset:56;	size:2;	signed:0;
	field:u16 proto;	offset:58;	size:2;	signed:0;
	field:u32 netns;	offset:60;	size:4;	signed:0;
	field:u64 est;	offset:64;	size:8;	signed:0;
	field:u32 srtt;	offset:72;	size:4;	signed:0;
	field:u32 ahead;	offset:76;	size:4;	signed:0;
	field:u32 limit;	offset:80;	size:4;	signed:0;
	field:u64 kfile;	offset:84;	size:8;	signed:0;
	field:__data_loc char[] comm;	offset:92;	size:4;	signed:1;

print fmt: "(%lx) pf=0x%Lx d0=0x%Lx d1=0x%Lx s0=0x%Lx s1=0x%Lx sport=%u proto=%u netns=%u est=%Lu srtt=%u ahead=%u limit=%u kfile=0x%Lx comm=\"%s\"", REC->__probe_ip, REC->pf, REC->d0, REC->d1, REC->s0, REC->s1, REC->sport, REC->proto, REC->netns, REC->est, REC->srtt, REC->ahead, REC->limit, REC->kfile, __get_str(comm)
)text"},
    {"7.2", 1652, R"text(name: p139_s130_neffffffc_36ce9506e49e7ebe_tcp
ID: 1652
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long __probe_ip;	offset:8;	size:8;	signed:0;
	field:u64 pf;	offset:16;	size:8;	signed:0;
	field:u64 d0;	offset:24;	size:8;	signed:0;
	field:u64 d1;	offset:32;	size:8;	signed:0;
	field:u64 s0;	offset:40;	size:8;	signed:0;
	field:u64 s1;	offset:48;	size:8;	signed:0;
	field:u16 sport;	offset:56;	size:2;	signed:0;
	field:u16 proto;	offset:58;	size:2;	signed:0;
	field:u32 netns;	offset:60;	size:4;	signed:0;
	field:u64 est;	offset:64;	size:8;	signed:0;
	field:u32 srtt;	offset:72;	size:4;	signed:0;
	field:u32 ahead;	offset:76;	size:4;	signed:0;
	field:u32 limit;	offset:80;	size:4;	signed:0;
	field:u64 kfile;	offset:84;	size:8;	signed:0;
	field:__data_loc char[] comm;	offset:92;	size:4;	signed:1;

print fmt: "(%lx) pf=0x%Lx d0=0x%Lx d1=0x%Lx s0=0x%Lx s1=0x%Lx sport=%u proto=%u netns=%u est=%Lu srtt=%u ahead=%u limit=%u kfile=0x%Lx comm=\"%s\"", REC->__probe_ip, REC->pf, REC->d0, REC->d1, REC->s0, REC->s1, REC->sport, REC->proto, REC->netns, REC->est, REC->srtt, REC->ahead, REC->limit, REC->kfile, __get_str(comm)
)text"},
    {"7.2 mptcp", 1653, R"text(name: p139_s130_neffffffc_36ce9506e49e7ebe_mptcp
ID: 1653
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long __probe_ip;	offset:8;	size:8;	signed:0;
	field:u64 pf;	offset:16;	size:8;	signed:0;
	field:u64 d0;	offset:24;	size:8;	signed:0;
	field:u64 d1;	offset:32;	size:8;	signed:0;
	field:u64 s0;	offset:40;	size:8;	signed:0;
	field:u64 s1;	offset:48;	size:8;	signed:0;
	field:u16 sport;	offset:56;	size:2;	signed:0;
	field:u16 proto;	offset:58;	size:2;	signed:0;
	field:u32 netns;	offset:60;	size:4;	signed:0;
	field:u64 est;	offset:64;	size:8;	signed:0;
	field:u32 srtt;	offset:72;	size:4;	signed:0;
	field:u32 ahead;	offset:76;	size:4;	signed:0;
	field:u32 limit;	offset:80;	size:4;	signed:0;
	field:u64 kfile;	offset:84;	size:8;	signed:0;
	field:__data_loc char[] comm;	offset:92;	size:4;	signed:1;

print fmt: "(%lx) pf=0x%Lx d0=0x%Lx d1=0x%Lx s0=0x%Lx s1=0x%Lx sport=%u proto=%u netns=%u est=%Lu srtt=%u ahead=%u limit=%u kfile=0x%Lx comm=\"%s\"", REC->__probe_ip, REC->pf, REC->d0, REC->d1, REC->s0, REC->s1, REC->sport, REC->proto, REC->netns, REC->est, REC->srtt, REC->ahead, REC->limit, REC->kfile, __get_str(comm)
)text"},
}};

}  // namespace tcpaccept::perf::test
