#include "text/columns.h"

#include <gtest/gtest.h>

#include <numeric>

#include "capture/batch_builder.h"

namespace tcpaccept::text {
namespace {

capture::Batch two_accepts() {
  capture::BatchBuilder builder;
  Accept accept;
  accept.time = 5'000'000'000;
  accept.listener.pid = 1463;
  accept.listener.comm = Comm::from("=x,\n");
  accept.listener.saddr = parse_address("192.168.60.170").value();
  accept.listener.sport = 22;
  accept.listener.family = 10;
  accept.listener.protocol = kProtocolMptcp;
  accept.listener.netns = 4026531840;
  accept.listener.cgroup = 77;
  accept.listener.backlog = 128;
  accept.listener.in_kernel = true;
  accept.raddr = parse_address("192.168.60.1").value();
  accept.rport = 65339;
  accept.tid = 1464;
  accept.cpu = 3;
  accept.wait_us = 20'000;
  accept.ahead = 2;
  accept.rtt_us = 150;
  builder.add(accept);
  Accept bare;
  bare.time = 6'500'000'000;
  bare.listener.saddr = parse_address("fd00::1").value();
  bare.raddr = parse_address("fd00::2").value();
  builder.add(bare);
  return builder.finish({5'000'000'000, 1'795'422'650'000'000'000, 0}, std::nullopt);
}

std::string rows(const std::vector<std::string_view>& names, Format format) {
  std::vector<Column> columns;
  for (const std::string_view name : names) columns.push_back(column_named(name).value());
  ColumnsWriter writer{format, columns};
  const capture::Batch batch = two_accepts();
  const std::vector<std::uint32_t> all{0, 1};
  Buffer out;
  writer.append_header(out);
  writer.begin_batch(batch, batch.time[0]);
  writer.append_rows(all, out);
  return std::string{out.view()};
}

TEST(Columns, HaveTheNamesOfTheCsv) {
  EXPECT_EQ(column_named("wait_us"), Column::kWaitUs);
  EXPECT_EQ(column_named("time"), Column::kTime);
  EXPECT_FALSE(column_named("TIME"));
  EXPECT_FALSE(column_named(""));
}

TEST(Columns, EveryOneInCsv) {
  EXPECT_EQ(rows({"time", "time_ns", "wall_time", "raddr", "rport", "pid", "comm", "saddr", "sport", "family",
                  "socket_family", "protocol", "netns", "cgroup", "backlog", "in_kernel", "tid", "cpu", "wait_us",
                  "ahead", "rtt_us"},
                 Format::kCsv),
            "time,time_ns,wall_time,raddr,rport,pid,comm,saddr,sport,family,socket_family,protocol,netns,cgroup,"
            "backlog,in_kernel,tid,cpu,wait_us,ahead,rtt_us\r\n"
            "0.000000,5000000000,2026-11-23T08:30:50.000000000Z,192.168.60.1,65339,1463,\"\\x3dx,\\x0a\","
            "192.168.60.170,22,4,inet6,mptcp,4026531840,77,128,1,1464,3,20000,2,150\r\n"
            "1.500000,6500000000,2026-11-23T08:30:51.500000000Z,fd00::2,0,0,,fd00::1,0,6,0,,,,,0,,,,,\r\n");
}

TEST(Columns, InTheTableAreAlignedAndMissingOnesAreADash) {
  EXPECT_EQ(rows({"pid", "wait_us", "rport"}, Format::kTable),
            "PID      WAIT(us)   RPORT\n"
            "1463     20000      65339\n"
            "0        -          0\n");
  EXPECT_EQ(rows({"comm", "tid"}, Format::kTable),
            "COMM         TID\n"
            "=x,\\x0a      1464\n"
            "             -\n");
}

TEST(Columns, InJsonAreWhatTheyAreThere) {
  EXPECT_EQ(rows({"time", "pid", "comm", "raddr", "protocol", "in_kernel", "wait_us", "cgroup_path"}, Format::kJson),
            "{\"time\":0.000000,\"pid\":1463,\"comm\":\"=x,\\u000a\",\"raddr\":\"192.168.60.1\",\"protocol\":\"mptcp\","
            "\"in_kernel\":true,\"wait_us\":20000,\"cgroup_path\":null}\n"
            "{\"time\":1.500000,\"pid\":0,\"comm\":\"\",\"raddr\":\"fd00::2\",\"protocol\":null,\"in_kernel\":false,"
            "\"wait_us\":null,\"cgroup_path\":null}\n");
}

// The fixed forms are made for speed; these are the same rows, field by field.
TEST(Columns, AllOfThemAreTheFixedForms) {
  const capture::Batch batch = two_accepts();
  const std::vector<std::uint32_t> all{0, 1};
  const auto written = [&](RowWriter& writer) {
    Buffer out;
    writer.append_header(out);
    writer.begin_batch(batch, batch.time[0]);
    writer.append_rows(all, out);
    return std::string{out.view()};
  };
  for (const Format format : {Format::kTable, Format::kCsv, Format::kJson}) {
    const auto columns = format == Format::kTable ? table_columns() : csv_columns();
    ColumnsWriter by_field(format, {columns.begin(), columns.end()});
    EXPECT_EQ(written(by_field), written(*make_row_writer(format, TimeColumn::kNone)));
  }
}

}  // namespace
}  // namespace tcpaccept::text
