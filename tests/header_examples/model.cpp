// Context of the example in the comment of <weft/model.hpp>: linked with the library of that mode.
#include <weft/model.hpp>

namespace of_model {
void run() {
  // example: weft/model.hpp
}
}  // namespace of_model
