// A CSV as the bytes of a capture, made while it is read: so it takes the way of every capture through the report.
//
// Rows keep their order and both of their times to the nanosecond: a batch ends where the difference of the two clocks
// changes or a row is earlier than the one before it, and rows that do so at every turn cost a batch each. What CSV does
// not hold is not made up: no host, no self-test, no account of losses, and the start of the session says so.
#pragma once

#include <string>

#include "capture/reader.h"
#include "text/csv_reader.h"

namespace tcpaccept::report {

// `name` and `read`: as in text::CsvReader. Reading from the Source throws Error where the CSV is damaged.
capture::Source capture_from_csv(std::string name, text::CsvReader::Read read);

}  // namespace tcpaccept::report
