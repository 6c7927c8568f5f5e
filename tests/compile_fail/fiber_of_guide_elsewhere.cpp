// The switch that the guide builds by hand refuses another system than Linux, and says why.
// expect first: see src/fiber/context_win64.S
#ifdef WEFT_MUST_FAIL
#undef __linux__
#endif
#include "../../examples/guide/own_switch.hpp"

int main() { return static_cast<int>(saved_words.size()) - static_cast<int>(return_word) < 1; }
