// The list of jobs: a command of the shell a line. Empty lines and lines that begin with '#' are
// comments; a '\' at the end of a line joins it with the next one.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "job.hpp"

namespace jobs {

/// The list has a mistake; the text names the file and the line.
class BadList : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads the file; "-" means standard input. Blocks. Throws std::system_error and BadList.
std::vector<Job> read_list(const std::string& path);

}  // namespace jobs
