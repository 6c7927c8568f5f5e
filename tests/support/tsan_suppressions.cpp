// For ThreadSanitizer builds of the tests; without it nothing calls this. The reference count of an
// exception is kept inside libstdc++, which is not instrumented: that the last of several threads
// to let go of an exception comes after all the others is not seen, and its destruction is reported
// as a race with their reading it.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n"
         "race:std::runtime_error::~runtime_error\n"
         "race:std::logic_error::~logic_error\n";
}
