// Options of the sanitizers for the model tests. Only a sanitizer's runtime calls this.
// The threads of a failed execution stay suspended for good. What their stacks hold is no leak, but
// LeakSanitizer does not look into the heap frames that stand for parts of such a stack.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }
