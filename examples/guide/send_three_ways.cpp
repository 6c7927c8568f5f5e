// One system call, made in three ways: by the processor's own instruction, through the C library,
// and by a weft operation. Under strace(1) they cannot be told apart.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <weft/weft.hpp>

constexpr std::string_view text = "woven\n";

// [raw]
/// No library at all: arguments and number go into registers, the instruction enters the kernel,
/// and the result comes back in a register; an error as a negative number.
long send_by_instruction(int fd) {
#if defined(__x86_64__)
  long result = SYS_sendto;
  register long flags asm("r10") = MSG_NOSIGNAL;
  register long no_address asm("r8") = 0;
  register long no_size asm("r9") = 0;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(long{fd}), "S"(text.data()), "d"(text.size()), "r"(flags), "r"(no_address),
                 "r"(no_size)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long number asm("x8") = SYS_sendto;
  register long result asm("x0") = fd;
  register const char* data asm("x1") = text.data();
  register std::size_t size asm("x2") = text.size();
  register long flags asm("x3") = MSG_NOSIGNAL;
  register long no_address asm("x4") = 0;
  register long no_size asm("x5") = 0;
  asm volatile("svc #0"
               : "+r"(result)
               : "r"(number), "r"(data), "r"(size), "r"(flags), "r"(no_address), "r"(no_size)
               : "memory");
  return result;
#else
#error "the instruction is written down for x86-64 and AArch64"
#endif
}
// [/raw]

// [libc]
/// The C library by number: it does what the function above does, for any call, and moves an error
/// into errno.
long send_by_number(int fd) {
  return syscall(SYS_sendto, fd, text.data(), text.size(), MSG_NOSIGNAL, nullptr, 0);
}

/// The C library by name: with types, and portable.
long send_by_name(int fd) { return send(fd, text.data(), text.size(), MSG_NOSIGNAL); }
// [/libc]

// [weft]
weft::Task<void> send_all_ways(weft::StreamSocket stream) {
  const int fd = stream.native_handle();
  std::printf("by instruction: %ld bytes\n", send_by_instruction(fd));
  std::printf("by number:      %ld bytes\n", send_by_number(fd));
  std::printf("by name:        %ld bytes\n", send_by_name(fd));
  // The operation: made when it can be made, cancellable while it waits, an error with its address.
  const std::size_t sent = co_await stream.write(text);
  std::printf("by operation:   %zu bytes\n", sent);
}
// [/weft]

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket out = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket in = co_await listener.accept();
  co_await send_all_ways(std::move(out));
  std::array<std::byte, 4 * text.size()> received;
  co_await in.read_exact(received);
  std::printf("received:       %zu bytes\n", received.size());
}

int main() { weft::block_on(program()); }
