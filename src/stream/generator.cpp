// The exceptions of generators.
#include <weft/generator.hpp>

#include <stdexcept>

namespace weft::inline v0_1 {

void throw_generator_used() {
  throw std::logic_error(
      "weft::Generator: it was begun before, or moved from; it can be gone through once");
}

}  // namespace weft::inline v0_1
