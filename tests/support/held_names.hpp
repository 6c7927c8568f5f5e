// HeldNames: names whose look-up by the system's resolver does not return. The test programs'
// getaddrinfo() is this one; all other names go on to the system's.
#pragma once

#include <cstddef>

namespace weft::test {

/// While it lives, a look-up of a name that ends in ".held" stays in getaddrinfo() until release(),
/// and then fails: there is no such name. One at a time. Thread-safe.
class HeldNames {
 public:
  HeldNames();
  ~HeldNames();
  HeldNames(const HeldNames&) = delete;
  HeldNames& operator=(const HeldNames&) = delete;

  void release();
  /// The number of look-ups that are held now.
  [[nodiscard]] static std::size_t count();
};

}  // namespace weft::test
