#include "standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>

#include "values.hpp"

namespace weft::tool {

void open_standard_streams() noexcept {
  int opened = 0;
  do {  // the system gives the lowest number that is free
    opened = ::open("/dev/null", O_RDWR);
  } while (opened >= 0 && opened <= STDERR_FILENO);
  if (opened >= 0) ::close(opened);
}

void print(std::string_view text) {
  errno = 0;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return;
  const std::error_code why(errno, std::generic_category());
  throw std::runtime_error("cannot write to standard output: " + why.message());
}

void complain(std::string_view command, std::string_view text) noexcept try {
  std::string line("weft");
  if (!command.empty()) line.append(" ").append(command);
  line.append(": ").append(printable(text)).append("\n");
  std::fputs(line.c_str(), stderr);
} catch (const std::exception&) {
  std::fputs("weft: out of memory\n", stderr);
}

}  // namespace weft::tool
