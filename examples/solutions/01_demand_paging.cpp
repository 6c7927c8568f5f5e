// Solution: memory whose pages are made when they are first touched, by the program itself. What
// the kernel does for every program, a handler of SIGSEGV does for these pages.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// [supply]
char* memory = nullptr;
std::size_t memory_size = 0;
std::size_t page_size = 0;
std::atomic<int> faults = 0;  // the handler changes it in the midst of anything

/// Makes the page that was touched, fills it, and returns: the instruction is carried out again.
extern "C" void supply_page(int /*signal*/, siginfo_t* info, void* /*registers*/) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  if (address < begin || address >= begin + memory_size) {
    signal(SIGSEGV, SIG_DFL);  // not ours: let it fail again, and end the process
    return;
  }
  const std::size_t page = (address - begin) / page_size;
  char* const start = memory + page * page_size;
  if (mprotect(start, page_size, PROT_READ | PROT_WRITE) != 0) std::abort();
  std::memset(start, 'a' + static_cast<int>(page), page_size);
  ++faults;
}
// [/supply]

void install() {
  struct sigaction action{};
  action.sa_sigaction = supply_page;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

/// Never inlined: the compiler shall not move the access.
[[gnu::noinline]] char read_from(const char* address) { return *address; }

int main() {
  page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  memory_size = 16 * page_size;
  install();

  // [use]
  // Addresses, but no access: the first touch of each page faults.
  void* const reserved = mmap(nullptr, memory_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory = static_cast<char*>(reserved);
  for (const std::size_t page : std::array<std::size_t, 5>{2, 7, 2, 14, 7}) {
    const char found = read_from(memory + page * page_size + 100);
    std::printf("page %2zu holds '%c', faults so far: %d\n", page, found, faults.load());
  }
  // [/use]
  munmap(reserved, memory_size);
}
