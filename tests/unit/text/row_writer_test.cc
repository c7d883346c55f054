#include "text/row_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <sstream>

#include "text/escape.h"
#include "text/prepared.h"
#include "text/table_writer.h"
#include "text/wall_time.h"
#include "support/samples.h"

namespace tcpaccept::text {
namespace {

using namespace samples;

// Slow and obvious versions of every row, written against the documentation.
std::string field(const std::string& text, std::size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 0, ' ') + ' ';
}

std::string slow_table_row(const Accept& accept) {
  return field(std::to_string(accept.listener.pid), 8) + field(escaped(accept.listener.comm.view()), 12) +
         field(to_string(accept.raddr), 20) + field(std::to_string(accept.rport), 6) +
         field(to_string(accept.listener.saddr), 20) + std::to_string(accept.listener.sport) + "\n";
}

std::string slow_time(std::uint64_t time, std::uint64_t origin) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>((time - origin) / 1000) / 1e6);
  return field(text, 12);
}

template <typename Number>
std::string or_empty(Number number, Number not_recorded) {
  return number == not_recorded ? "" : std::to_string(number);
}

std::string slow_csv_row(const Accept& accept, const capture::ClockAnchor& clock, const std::string& path = "") {
  const Listener& listener = accept.listener;
  std::string comm(128, '\0');
  comm.resize(static_cast<std::size_t>(put_csv_cell(comm.data(), listener.comm.view()) - comm.data()));
  std::string cgroup(8192, '\0');
  cgroup.resize(static_cast<std::size_t>(put_csv_cell(cgroup.data(), path) - cgroup.data()));
  std::ostringstream row;
  row << accept.time << ',' << wall_text(clock.wall(accept.time)) << ',' << to_string(accept.raddr) << ','
      << accept.rport << ',' << listener.pid << ',' << comm << ',' << to_string(listener.saddr) << ','
      << listener.sport << ',' << (listener.saddr.is_v4() ? 4 : 6) << ','
      << (listener.family == 2 ? "inet" : "inet6") << ',' << (listener.protocol == 6 ? "tcp" : "mptcp") << ','
      << or_empty(listener.netns, std::uint32_t{0}) << ',' << or_empty(listener.cgroup, std::uint64_t{0}) << ','
      << or_empty(listener.backlog, kNotRecorded32) << ',' << listener.in_kernel << ',' << or_empty(accept.tid, 0u) << ','
      << or_empty(accept.cpu, kNotRecorded16) << ',' << or_empty(accept.wait_us, kNotRecorded64) << ','
      << or_empty(accept.ahead, kNotRecorded32) << ',' << or_empty(accept.rtt_us, kNotRecorded32) << ','
      << or_empty(accept.left, kNotRecorded32) << ',' << or_empty(listener.nspid, std::uint32_t{0}) << ',' << cgroup
      << "\r\n";
  return row.str();
}

Accept everything_recorded() {
  Accept accept = sshd();
  accept.time = kMonotonic + 2'404'860'123;
  accept.listener.family = 10;
  accept.listener.in_kernel = true;
  accept.listener.protocol = kProtocolMptcp;
  accept.listener.netns = 4026531840;
  accept.listener.cgroup = 18446744073709551614u;
  accept.listener.backlog = 128;
  accept.tid = 1464;
  accept.cpu = 3;
  accept.wait_us = 1500;
  accept.ahead = 0;
  accept.rtt_us = 87;
  accept.left = 5;
  accept.listener.nspid = 1;
  return accept;
}

// ---- the seed ----

TEST(Table, SeedExampleToTheByte) {
  std::vector<Accept> accepts{sshd(), sshd(), iperf3()};
  accepts[0].rport = 65339;
  accepts[1].rport = 65341;
  accepts[2].rport = 49158;
  EXPECT_EQ(header(Format::kTable, TimeColumn::kNone) +
                render(Format::kTable, TimeColumn::kNone, batch_of(accepts)),
            "PID      COMM         RADDR                RPORT  SADDR                SPORT\n"
            "1463     sshd         192.168.60.1         65339  192.168.60.170       22\n"
            "1463     sshd         192.168.60.1         65341  192.168.60.170       22\n"
            "30891    iperf3       192.168.60.1         49158  192.168.60.170       5201\n");
}

TEST(Table, SeedExampleWithTimesToTheByte) {
  std::vector<Accept> accepts{sshd(), sshd(), iperf3(), iperf3()};
  const std::uint64_t after[] = {0, 2'404'860'000, 5'906'867'999, 5'952'513'000};
  for (std::size_t i = 0; i < accepts.size(); ++i) {
    accepts[i].time += after[i];
    accepts[i].rport = static_cast<std::uint16_t>(49385 + i);
  }
  EXPECT_EQ(header(Format::kTable, TimeColumn::kRelative) +
                render(Format::kTable, TimeColumn::kRelative, batch_of(accepts)),
            "TIME(s)      PID      COMM         RADDR                RPORT  SADDR                SPORT\n"
            "0.000000     1463     sshd         192.168.60.1         49385  192.168.60.170       22\n"
            "2.404860     1463     sshd         192.168.60.1         49386  192.168.60.170       22\n"
            "5.906867     30891    iperf3       192.168.60.1         49387  192.168.60.170       5201\n"
            "5.952513     30891    iperf3       192.168.60.1         49388  192.168.60.170       5201\n");
}

TEST(Table, WallTime) {
  Accept accept = sshd();
  accept.time += 123'456'789;
  EXPECT_EQ(header(Format::kTable, TimeColumn::kWall) + render(Format::kTable, TimeColumn::kWall, batch_of({accept})),
            "TIME(UTC)                   PID      COMM         RADDR                RPORT  SADDR                SPORT\n"
            "2026-11-23T08:10:50.123456Z 1463     sshd         192.168.60.1         49385  192.168.60.170       22\n");
}

TEST(Table, LongValuesOverflowButStaySeparated) {
  Accept accept = sshd();
  accept.listener.pid = 4294967295u;
  accept.listener.comm = Comm::from("systemd-resolve");
  accept.listener.saddr = address("2001:db8:1111:2222:3333:4444:5555:6666");
  accept.raddr = address("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
  accept.listener.sport = 65535;
  EXPECT_EQ(render(Format::kTable, TimeColumn::kNone, batch_of({accept})),
            "4294967295 systemd-resolve 2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff 49385  "
            "2001:db8:1111:2222:3333:4444:5555:6666 65535\n");
}

TEST(Table, ValuesOfExactlyTheColumnsWidth) {
  Accept accept = sshd();
  accept.listener.pid = 12345678;
  accept.listener.comm = Comm::from("twelve-bytes");
  accept.raddr = address("2001:db8:1234:5::123");  // 20 characters
  accept.listener.saddr = accept.raddr;
  accept.rport = 1;
  EXPECT_EQ(render(Format::kTable, TimeColumn::kNone, batch_of({accept})),
            "12345678 twelve-bytes 2001:db8:1234:5::123 1      2001:db8:1234:5::123 22\n");
}

TEST(Table, MappedAddressIsShownAsIpv4) {
  Accept accept = sshd();
  accept.listener.family = 10;
  accept.raddr = address("::ffff:10.1.2.3");
  EXPECT_NE(render(Format::kTable, TimeColumn::kNone, batch_of({accept})).find(" 10.1.2.3 "), std::string::npos);
}

TEST(Table, LargeAndNegativeRelativeTimes) {
  TableWriter writer(TimeColumn::kRelative);
  std::vector<Accept> accepts{sshd(), sshd(), sshd()};
  accepts[1].time = kMonotonic + 500'000'000;
  accepts[2].time = kMonotonic + 123'456'789'000'001'000;
  const std::string rows = render(writer, batch_of(accepts), kMonotonic + 1'500'001'000);
  EXPECT_EQ(rows.substr(0, 22), "-1.500001    1463     ");
  EXPECT_NE(rows.find("\n-1.000001    1463     "), std::string::npos);
  EXPECT_NE(rows.find("\n123456787.500000 1463     "), std::string::npos);
}

// ---- hostile names ----

TEST(Table, EveryByteInANameIsHarmless) {
  for (int value = 1; value < 256; ++value) {
    Accept accept = sshd();
    accept.listener.comm = Comm::from(std::string{'x', static_cast<char>(value), 'y'});
    const std::string row = render(Format::kTable, TimeColumn::kNone, batch_of({accept}));
    for (std::size_t i = 0; i + 1 < row.size(); ++i) ASSERT_TRUE(row[i] >= 0x20 && row[i] <= 0x7e) << value;
    ASSERT_EQ(row, slow_table_row(accept));
  }
}

TEST(Rows, WorstNameInEveryFormat) {
  Accept accept = everything_recorded();
  accept.listener.pid = accept.tid = 4294967295u;
  accept.listener.comm = Comm::from("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
  accept.listener.saddr = accept.raddr = address("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
  accept.time = 18446744073709551614u;
  accept.wait_us = 18446744073709551614u;
  accept.ahead = accept.rtt_us = accept.left = accept.listener.backlog = accept.listener.nspid = 4294967294u;
  accept.cpu = 65534;
  // Many rows, so that blocks are as full as they can be.
  capture::Batch batch = batch_of(std::vector<Accept>(1000, accept));
  batch.cgroups = {{accept.listener.cgroup, std::string(capture::kMaxCgroupPath, '\xff')}};
  for (const TimeColumn time : {TimeColumn::kNone, TimeColumn::kRelative, TimeColumn::kWall}) {
    const std::string rows = render(*make_row_writer(Format::kTable, time), batch, 0);
    EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1000);
  }
  std::string csv;
  for (int i = 0; i < 1000; ++i) csv += slow_csv_row(accept, batch.clock, batch.cgroups[0].path);
  EXPECT_TRUE(render(Format::kCsv, TimeColumn::kNone, batch) == csv);
  const std::string json = render(Format::kJson, TimeColumn::kNone, batch);
  EXPECT_EQ(std::count(json.begin(), json.end(), '\n'), 1000);
  EXPECT_NE(json.find("\"comm_hex\":\"ffffffffffffffffffffffffffffff\""), std::string::npos);
}

// ---- CSV ----

TEST(Csv, HeaderIsStable) {
  EXPECT_EQ(header(Format::kCsv, TimeColumn::kNone),
            "time_ns,wall_time,raddr,rport,pid,comm,saddr,sport,family,socket_family,protocol,netns,cgroup,backlog,"
            "in_kernel,tid,cpu,wait_us,ahead,rtt_us,left,nspid,cgroup_path\r\n");
}

TEST(Csv, EveryColumn) {
  EXPECT_EQ(render(Format::kCsv, TimeColumn::kNone, batch_of({everything_recorded()})),
            "1002404860123,2026-11-23T08:10:52.404860123Z,192.168.60.1,49385,1463,sshd,192.168.60.170,22,4,inet6,"
            "mptcp,4026531840,18446744073709551614,128,1,1464,3,1500,0,87,5,1,\r\n");
}

TEST(Csv, NotRecordedIsEmpty) {
  EXPECT_EQ(render(Format::kCsv, TimeColumn::kNone, batch_of({sshd()})),
            "1000000000000,2026-11-23T08:10:50.000000000Z,192.168.60.1,49385,1463,sshd,192.168.60.170,22,4,inet,"
            "tcp,,,,0,1463,,,,,,,\r\n");
}

Accept nothing_recorded() {
  Accept accept = sshd();
  accept.listener.protocol = 0;
  accept.tid = 0;
  return accept;
}

TEST(Csv, ProtocolAndThreadNotRecordedAreEmpty) {
  EXPECT_NE(render(Format::kCsv, TimeColumn::kNone, batch_of({nothing_recorded()})).find(",4,inet,,,,,0,,,"),
            std::string::npos);
}

TEST(Csv, UnknownFamilyAndProtocolAreNumbers) {
  Accept accept = sshd();
  accept.listener.family = 17;
  accept.listener.protocol = 132;
  EXPECT_NE(render(Format::kCsv, TimeColumn::kNone, batch_of({accept})).find(",4,17,132,,,,0,"), std::string::npos);
}

TEST(Csv, TimesBelowOneSecondHaveNoLeadingZeros) {
  std::vector<Accept> accepts(4, sshd());
  accepts[0].time = 0;
  accepts[1].time = 7;
  accepts[2].time = 999'999'999;
  accepts[3].time = 1'000'000'001;
  std::istringstream rows(render(Format::kCsv, TimeColumn::kNone, batch_of(accepts)));
  for (const char* expected : {"0,", "7,", "999999999,", "1000000001,"}) {
    std::string row;
    std::getline(rows, row);
    EXPECT_EQ(row.rfind(expected, 0), 0u) << row;
  }
}

// The second of one instant is remembered for the next; at the ends of the clocks that must not carry over.
TEST(Csv, TimesAtTheEndsOfTheClocks) {
  const std::uint64_t middle = std::uint64_t{1} << 63;
  std::vector<Accept> accepts;
  for (const std::uint64_t one : {~std::uint64_t{0}, std::uint64_t{809'822}, middle - 1, middle, middle + 5}) {
    for (const std::uint64_t other : {std::uint64_t{0}, ~std::uint64_t{0} - 7, middle - 3, middle + 9, one}) {
      for (const std::uint64_t time : {one, other}) {
        accepts.push_back(sshd());
        accepts.back().time = time;
      }
    }
  }
  for (const std::int64_t realtime : {std::int64_t{0}, anchor().realtime, std::numeric_limits<std::int64_t>::min()}) {
    const capture::ClockAnchor clock{.realtime = realtime};
    std::istringstream rows(render(Format::kCsv, TimeColumn::kNone, batch_of(accepts, clock)));
    for (const Accept& accept : accepts) {
      std::string row;
      std::getline(rows, row);
      EXPECT_EQ(row + "\n", slow_csv_row(accept, clock));
    }
  }
}

TEST(Csv, WallTimeAcrossTheYear) {
  capture::ClockAnchor clock = anchor();
  clock.realtime = 1'798'761'599'999'999'999;  // the last nanosecond of 2026
  std::vector<Accept> accepts(2, sshd());
  accepts[1].time += 1;
  const std::string rows = render(Format::kCsv, TimeColumn::kNone, batch_of(accepts, clock));
  EXPECT_NE(rows.find("1000000000000,2026-12-31T23:59:59.999999999Z,"), std::string::npos);
  EXPECT_NE(rows.find("1000000000001,2027-01-01T00:00:00.000000000Z,"), std::string::npos);
}

TEST(Rows, TheCgroupsPathGoesByItsId) {
  std::vector<Accept> accepts(3, sshd());
  accepts[0].listener.cgroup = 30;
  accepts[1].listener.cgroup = 40;
  accepts[2].listener.cgroup = 50;
  capture::Batch batch = batch_of(accepts);
  batch.cgroups = {{30, "/system.slice/a.service"}, {50, "/odd,\n\xff\"path\""}};
  const std::string csv = render(Format::kCsv, TimeColumn::kNone, batch);
  EXPECT_NE(csv.find(",/system.slice/a.service\r\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",,,,,,,\r\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",\"/odd,\\x0a\\xff\"\"path\"\"\"\r\n"), std::string::npos) << csv;
  const std::string json = render(Format::kJson, TimeColumn::kNone, batch);
  EXPECT_NE(json.find("\"cgroup_path\":\"/system.slice/a.service\"}"), std::string::npos) << json;
  EXPECT_NE(json.find("\"cgroup_path\":null}"), std::string::npos) << json;
  EXPECT_NE(json.find("\"cgroup_path_hex\":\"2f6f64642c0aff227061746822\"}"), std::string::npos) << json;
}

// ---- JSON ----

TEST(Json, EveryField) {
  EXPECT_EQ(header(Format::kJson, TimeColumn::kNone), "");
  EXPECT_EQ(render(Format::kJson, TimeColumn::kNone, batch_of({everything_recorded()})),
            "{\"time_ns\":1002404860123,\"wall_time\":\"2026-11-23T08:10:52.404860123Z\",\"raddr\":\"192.168.60.1\","
            "\"rport\":49385,\"pid\":1463,\"comm\":\"sshd\",\"saddr\":\"192.168.60.170\",\"sport\":22,\"family\":4,"
            "\"socket_family\":\"inet6\",\"protocol\":\"mptcp\",\"netns\":4026531840,"
            "\"cgroup\":18446744073709551614,\"backlog\":128,\"in_kernel\":true,\"tid\":1464,\"cpu\":3,"
            "\"wait_us\":1500,\"ahead\":0,\"rtt_us\":87,\"left\":5,\"nspid\":1,\"cgroup_path\":null}\n");
}

TEST(Json, NotRecordedIsNull) {
  EXPECT_EQ(render(Format::kJson, TimeColumn::kNone, batch_of({sshd()})),
            "{\"time_ns\":1000000000000,\"wall_time\":\"2026-11-23T08:10:50.000000000Z\",\"raddr\":\"192.168.60.1\","
            "\"rport\":49385,\"pid\":1463,\"comm\":\"sshd\",\"saddr\":\"192.168.60.170\",\"sport\":22,\"family\":4,"
            "\"socket_family\":\"inet\",\"protocol\":\"tcp\",\"netns\":null,\"cgroup\":null,\"backlog\":null,"
            "\"in_kernel\":false,\"tid\":1463,\"cpu\":null,\"wait_us\":null,\"ahead\":null,\"rtt_us\":null,"
            "\"left\":null,\"nspid\":null,\"cgroup_path\":null}\n");
}

TEST(Json, ProtocolAndThreadNotRecordedAreNull) {
  const std::string row = render(Format::kJson, TimeColumn::kNone, batch_of({nothing_recorded()}));
  EXPECT_NE(row.find(",\"protocol\":null,\"netns\":null,"), std::string::npos) << row;
  EXPECT_NE(row.find(",\"tid\":null,\"cpu\":null,"), std::string::npos) << row;
}

TEST(Json, InvalidNameCarriesItsBytes) {
  Accept accept = sshd();
  accept.listener.comm = Comm::from("a\xff\"");
  EXPECT_NE(render(Format::kJson, TimeColumn::kNone, batch_of({accept}))
                .find("\"comm\":\"a\\ufffd\\\"\",\"comm_hex\":\"61ff22\",\"saddr\""),
            std::string::npos);
}

// ---- against the slow versions ----

TEST(Rows, RandomBatchesAgreeWithTheSlowVersions) {
  std::mt19937_64 random(11);
  const auto table = make_row_writer(Format::kTable, TimeColumn::kNone);
  const auto timed = make_row_writer(Format::kTable, TimeColumn::kRelative);
  const auto csv = make_row_writer(Format::kCsv, TimeColumn::kNone);
  for (int round = 0; round < 50; ++round) {  // the writers live on: nothing of one batch may leak into the next
    const capture::Batch batch = random_batch(random, 1 + random() % 300);
    std::string slow_table, slow_timed, slow_csv;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Accept accept = batch.at(i);
      slow_table += slow_table_row(accept);
      slow_timed += slow_time(accept.time, batch.time.front()) + slow_table_row(accept);
      slow_csv += slow_csv_row(accept, batch.clock);
    }
    ASSERT_EQ(render(*table, batch, batch.time.front()), slow_table);
    ASSERT_EQ(render(*timed, batch, batch.time.front()), slow_timed);
    ASSERT_EQ(render(*csv, batch, batch.time.front()), slow_csv);
  }
}

TEST(Rows, SelectionsInPiecesEqualTheWhole) {
  std::mt19937_64 random(5);
  const capture::Batch batch = random_batch(random, 500);
  const std::vector<std::uint32_t> rows = all_rows(batch);
  for (const Format format : {Format::kTable, Format::kCsv, Format::kJson}) {
    const std::string whole = render(format, TimeColumn::kNone, batch);
    const auto writer = make_row_writer(format, TimeColumn::kNone);
    Buffer out;
    writer->begin_batch(batch, 0);
    for (Selection rest = rows; !rest.empty();) {
      const std::size_t count = std::min<std::size_t>(rest.size(), 1 + random() % 130);
      writer->append_rows(rest.first(count), out);
      rest = rest.subspan(count);
    }
    EXPECT_EQ(out.view(), whole);
  }
}

TEST(ListenerTexts, ManyListenersStayBounded) {
  capture::Batch batch;
  batch.listeners.resize(20'000);
  for (std::size_t i = 0; i < batch.listeners.size(); ++i) batch.listeners[i].pid = static_cast<std::uint32_t>(i);
  ListenerTexts texts;
  texts.begin(batch);
  const auto format = [](const Listener& listener, char* to) {
    char* first = put_number(to, listener.pid);
    std::fill(first, first + 700, '.');
    return ListenerTexts::Ends{first, first + 700};
  };
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < batch.listeners.size(); ++i) {
      const ListenerTexts::Texts text = texts.get(i, format);
      ASSERT_EQ(std::string(text.first, text.first_length), std::to_string(i));
      ASSERT_EQ(text.second_length, 700u);
    }
  }
}

}  // namespace
}  // namespace tcpaccept::text
