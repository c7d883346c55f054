// Rows as text, batch by batch, formatted by as many threads as there are workers; their order stays.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "report/output.h"
#include "report/sink.h"
#include "report/workers.h"
#include "text/row_writer.h"

namespace tcpaccept::report {

class RowReport final : public Sink {
 public:
  using MakeWriter = std::function<std::unique_ptr<text::RowWriter>()>;

  // A thread formats `rows_per_piece` rows at a time: the texts of a batch are made anew for each piece, but a row of
  // JSON is some 400 bytes. `inputs`: how many there are. Borrows the others.
  RowReport(MakeWriter make_writer, std::size_t rows_per_piece, std::size_t inputs, const Timeline& timeline,
            Workers& workers, Output& output);
  ~RowReport() override;

  capture::Columns columns() const override { return writers_.front()->columns(); }
  void begin() override { writers_.front()->append_header(output_.buffer()); }
  void append(const Run& run, const std::shared_ptr<const void>& hold) override;
  void flush() override;
  void finish(const Inputs&) override { flush(); }

 private:
  // Rows of one batch to be formatted by the workers.
  struct Formatting {
    std::unique_ptr<text::RowWriter> writer;
    std::shared_ptr<const void> hold;  // of what the run refers to
    Run run;
    std::uint64_t origin = 0;
    text::Buffer out;
    Workers::Task task;

    void work();
  };

  void append_parallel(const Run& run, std::shared_ptr<const void> hold, std::uint64_t origin);
  void write_oldest();

  MakeWriter make_writer_;
  std::size_t rows_per_piece_;
  const Timeline& timeline_;
  Workers& workers_;
  Output& output_;
  std::vector<std::unique_ptr<text::RowWriter>> writers_;  // one for each input: it remembers its batch
  std::optional<Instant> origin_;                          // the first row shown
  std::deque<std::unique_ptr<Formatting>> under_way_;
  std::vector<std::unique_ptr<Formatting>> spare_;
};

}  // namespace tcpaccept::report
