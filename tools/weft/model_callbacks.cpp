#include "model_work.hpp"
namespace weft::tool {
void run_with_callbacks(const ModelWork& work, ModelTally& tally) {
  run_with_coroutines(work, tally);
}
}  // namespace weft::tool
