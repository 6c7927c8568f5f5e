// Shared by the tests that try a wide range of cases: all of it in ./check --long, a little of it
// otherwise. And what is printed if the process crashes or hangs in one of the cases.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "support/helpers.hpp"

namespace weft::test {

inline bool is_wide() { return std::getenv("WEFT_WIDE") != nullptr; }
template <class T>
T wide_or(T wide, T otherwise) {
  return is_wide() ? wide : otherwise;
}

/// A fresh seed for a wide range of cases; otherwise always the same, unless WEFT_SEED is set.
inline std::uint64_t seed_of_cases() {
  return is_wide() || std::getenv("WEFT_SEED") != nullptr ? test_seed() : 1;
}

/// Names the case that is tried. A case that takes too long ends the process by SIGALRM.
class Case {
 public:
  static void begin(const std::string& what, unsigned limit_s = 60) {
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGALRM}) ::signal(signal, &report);
    std::fill(text().begin(), text().end(), '\0');
    const std::string line = "in this case: " + what + "\n";
    std::copy_n(line.begin(), std::min(line.size(), text().size() - 1), text().begin());
    ::alarm(limit_s);
  }
  static void end() { ::alarm(0); }

 private:
  static std::array<char, 300>& text() {
    static std::array<char, 300> text{};
    return text;
  }
  static void report(int signal) {
    (void)!::write(STDERR_FILENO, text().data(), std::strlen(text().data()));
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
};

}  // namespace weft::test
