// Text that came from a command line or a file system, made fit for one line on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace tcpaccept {

// Every byte that is not printable ASCII becomes \xHH.
std::string printable(std::string_view text);

// Writes "PROGRAM: LINE" to standard error.
void complain(const char* program, std::string_view line);

// Writes the text of --help or --version, or, for a wrong command line, the error, where it belongs. Returns the exit
// status: `status`, or 1 when standard output cannot take it.
int print_and_exit(const char* program, std::string_view text, int status);

}  // namespace tcpaccept
