// What a call costs in each layer: a function, the kernel by the bare instruction, the C library, a
// buffer, and an operation of weft.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <weft/weft.hpp>

// [stopwatch]
using Clock = std::chrono::steady_clock;
constexpr int rounds = 50;
constexpr int calls = 1'000;

/// Of the rounds so far the shortest, as others use the machine as well.
class Shortest {
 public:
  void note(Clock::duration round) { round_ = std::min(round_, round); }
  void print(const char* name, int calls_a_round) const {
    const double ns = std::chrono::duration<double, std::nano>(round_).count();
    std::printf("%-36s %8.0f\n", name, ns / calls_a_round);
  }

 private:
  Clock::duration round_ = Clock::duration::max();
};

template <class Call>
void measure(const char* name, Call call) {
  Shortest shortest;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    shortest.note(Clock::now() - begin);
  }
  shortest.print(name, calls);
}
// [/stopwatch]

[[gnu::noinline]] int function() {
  asm volatile("");  // the compiler shall not leave the call out
  return 1;
}

// [raw]
/// getppid(2) by the bare instruction: the shortest of all ways into the kernel and back.
long getppid_by_instruction() {
#if defined(__x86_64__)
  long result = SYS_getppid;
  asm volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_getppid;
  register long result asm("x0");
  asm volatile("svc #0" : "=r"(result) : "r"(number) : "memory");
  return result;
#else
#error "the instruction is written down for x86-64 and AArch64"
#endif
}

/// The same within a function, as the C library has it.
[[gnu::noinline]] long own_getppid() {
  const long result = getppid_by_instruction();
  asm volatile("");  // the compiler shall not make one of two
  return result;
}
// [/raw]

// [tcp]
constexpr int bytes = 100;

/// Bytes to a peer in this process, and out again at its end, by the C library's names.
void by_names(int out, int in) {
  char byte = '!';
  for (int i = 0; i < bytes; ++i) {
    static_cast<void>(send(out, &byte, 1, MSG_NOSIGNAL));
    static_cast<void>(recv(in, &byte, 1, 0));
  }
}

/// The same, by operations.
weft::Task<void> by_operations(weft::StreamSocket& out, weft::StreamSocket& in) {
  std::array<std::byte, 1> byte{};
  for (int i = 0; i < bytes; ++i) {
    co_await out.write_all(byte);
    co_await in.read_exact(byte);
  }
}
// [/tcp]

weft::Task<void> measure_tcp() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket out = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket in = co_await listener.accept();
  Shortest names;
  Shortest operations;
  for (int round = 0; round < rounds; ++round) {
    auto begin = Clock::now();
    by_names(out.native_handle(), in.native_handle());
    names.note(Clock::now() - begin);
    begin = Clock::now();
    co_await by_operations(out, in);
    operations.note(Clock::now() - begin);
  }
  names.print("a byte by TCP: send, recv", bytes);
  operations.print("a byte by TCP: write_all, read_exact", bytes);
}

int main() {
  std::printf("%-36s %8s\n", "", "ns");
  measure("a function", [] { function(); });
  // [calls]
  measure("getppid: by instruction", [] { getppid_by_instruction(); });
  measure("getppid: in a function of ours", [] { own_getppid(); });
  measure("getppid: by number", [] { syscall(SYS_getppid); });
  measure("getppid: by name", [] { getppid(); });

  timespec time{};
  measure("the time: by number", [&] { syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time); });
  measure("the time: by name", [&] { clock_gettime(CLOCK_MONOTONIC, &time); });

  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  measure("a byte to /dev/null: write", [&] { static_cast<void>(write(null, "!", 1)); });
  std::FILE* const file = fdopen(null, "w");
  measure("a byte to /dev/null: fputc", [&] { std::fputc('!', file); });
  std::fclose(file);
  // [/calls]
  weft::block_on(measure_tcp());
}
