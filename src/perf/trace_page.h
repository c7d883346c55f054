// One page of an ftrace ring buffer, as per_cpu/cpuN/trace_pipe_raw delivers it. Pure.
//
// Layout: events/header_page and events/header_event in tracefs, include/linux/ring_buffer.h; 64-bit kernels.
#pragma once

#include <cstdint>
#include <functional>

#include "core/byte_cursor.h"

namespace tcpaccept::perf {

// `payload` is what a perf sample of the same event holds as raw data. Records behind one that contradicts its page are
// left out. True when the page says that records before it were overwritten.
using TraceRecordSink = std::function<void(std::uint64_t time, Bytes payload)>;
bool walk_trace_page(Bytes page, const TraceRecordSink& sink);

}  // namespace tcpaccept::perf
