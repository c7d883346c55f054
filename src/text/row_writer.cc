#include "text/row_writer.h"

#include "text/csv_writer.h"
#include "text/json_writer.h"
#include "text/table_writer.h"

namespace tcpaccept::text {

std::unique_ptr<RowWriter> make_row_writer(Format format, TimeColumn time) {
  switch (format) {
    case Format::kCsv:
      return std::make_unique<CsvWriter>();
    case Format::kJson:
      return std::make_unique<JsonWriter>();
    case Format::kTable:
      break;
  }
  return std::make_unique<TableWriter>(time);
}

}  // namespace tcpaccept::text
