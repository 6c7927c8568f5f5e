// How a system call says that it failed: the kernel's -errno, the C library's errno, weft's Result
// and exception.
//
//   minus_errno late   errno, read too late
//   minus_errno        all of them, as it should be
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <weft/weft.hpp>

// [kernel]
/// close(2) by the bare instruction (the C library elsewhere): the kernel's answer as it comes.
long close_by_instruction(int fd) {
#if defined(__x86_64__)
  long result = SYS_close;
  asm volatile("syscall" : "+a"(result) : "D"(long{fd}) : "rcx", "r11", "memory");
  return result;
#else
  return close(fd) == 0 ? 0 : -errno;
#endif
}
// [/kernel]

// [weft]
weft::Task<void> connect_to_nobody() {
  const weft::Endpoint nobody = weft::Endpoint::parse("127.0.0.1:1").value();
  // As a value …
  const auto result = co_await weft::attempt(weft::StreamSocket::connect(nobody));
  std::printf("weft::attempt  %s\n", result.error().message().c_str());
  std::printf("               errc::connection_refused: %s\n",
              result.error() == std::errc::connection_refused ? "yes" : "no");
  // … or as an exception, which says what was tried.
  try {
    co_await weft::StreamSocket::connect(nobody);
  } catch (const weft::IoError& error) {
    std::printf("weft::IoError  %s\n", error.what());
  }
}
// [/weft]

constexpr int not_open = 1'000'000;

// [late]
weft::Task<void> close_something() {
  close(not_open);  // fails: “Bad file descriptor”
  co_await weft::sleep_for(std::chrono::milliseconds(10));
  std::printf("close: %s\n", std::strerror(errno));  // too late
}

weft::Task<void> open_something() {
  open("/there/is/no/such/file", O_RDONLY | O_CLOEXEC);
  co_return;
}
// [/late]

weft::Task<void> both() { co_await weft::when_all(close_something(), open_something()); }

int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == "late") {
    weft::block_on(both());
    return 0;
  }
  // [libc]
  std::printf("the kernel     %ld\n", close_by_instruction(not_open));
  const int result = close(not_open);
  const int error = errno;  // at once: the next call may overwrite it
  std::printf("the C library  %d, and errno %d: %s\n", result, error, std::strerror(error));
  // [/libc]
  weft::block_on(connect_to_nobody());
}
