// For ThreadSanitizer builds of the tests; without it nothing calls this. The reference counts of
// an exception and of an SSL_SESSION are inside libstdc++ and OpenSSL, which are not instrumented.
// ThreadSanitizer does not see that the last release comes after all the others, and reports the
// destruction as a race with their reads. What our own code does with the memory is still checked.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n"
         "race:std::runtime_error::~runtime_error\n"
         "race:std::logic_error::~logic_error\n"
         "race:SSL_SESSION_free\n"
         "race:OPENSSL_sk_dup\n"
         "race:CRYPTO_strdup\n";
}
