// The switch that the guide builds by hand refuses another processor, and says why.
// expect first: written for x86-64 and AArch64, in their 64-bit modes
#ifdef WEFT_MUST_FAIL
#undef __x86_64__
#undef __aarch64__
#endif
#include "../../examples/guide/own_switch.hpp"

int main() { return static_cast<int>(saved_words.size()) - static_cast<int>(return_word) < 1; }
