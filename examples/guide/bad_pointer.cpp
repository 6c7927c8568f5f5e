// What the MMU reports: pages that the kernel fills in silently, and pointers that lead nowhere,
// named by a handler of SIGSEGV on a stack of its own.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <span>
#include <thread>

// [handler]
sigjmp_buf go_on;     // where to go on after a fault
void* fault_address;  // what the handler was told
int fault_kind;

/// Runs in place of the instruction that has failed. It notes what the kernel says and does not
/// return to that instruction, which would only fail again.
extern "C" void on_fault(int /*signal*/, siginfo_t* info, void* /*registers*/) {
  fault_address = info->si_addr;
  fault_kind = info->si_code;
  siglongjmp(go_on, 1);
}
// [/handler]

// [install]
/// Installs the handler, for this thread on a stack of its own.
void install(std::span<std::byte> stack) {
  stack_t own{};
  own.ss_sp = stack.data();
  own.ss_size = stack.size();
  sigaltstack(&own, nullptr);

  struct sigaction action{};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;  // with the reason; on the stack above
  sigaction(SIGSEGV, &action, nullptr);
}
// [/install]

const char* name_of_kind() {
  switch (fault_kind) {
    case SEGV_MAPERR:
      return "nothing is mapped there";
    case SEGV_ACCERR:
      return "the page forbids it";
    default:
      return "another reason";
  }
}

/// Gives the pointer back, and the compiler no longer knows where it comes from. (It would see that
/// the accesses below are wrong, and leave them out.)
template <class T>
T* unknown(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

int read_from(const int* address) {
  int value = *address;
  asm volatile("" : "+r"(value));  // the compiler shall not do without it
  return value;
}

void write_to(char* address) {
  *address = 'x';
  asm volatile("" : : "r"(address) : "memory");
}

// [attempt]
/// Does something that must fault, and names the fault.
template <class Action>
void attempt(const char* what, Action action) {
  if (sigsetjmp(go_on, 1) == 0) {  // 0: noted down; 1: the handler has jumped here
    action();
    std::printf("%-26s no fault\n", what);
  } else {
    std::printf("%-26s %-24s at %#018jx\n", what, name_of_kind(),
                reinterpret_cast<std::uintmax_t>(fault_address));
  }
}
// [/attempt]

// [pages]
/// Page faults of this process that took no disk.
long minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

/// Pages of memory that the kernel has promised, but not yet supplied.
class Memory {
 public:
  explicit Memory(std::size_t pages) : size_(pages * page_size) {
    memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory_, size_, MADV_NOHUGEPAGE);  // pages of the usual size
  }
  void write_to_each_page() {
    for (std::size_t at = 0; at < size_; at += page_size) {
      write_to(static_cast<char*>(memory_) + at);
    }
  }
  void unmap() { munmap(memory_, size_); }
  [[nodiscard]] void* data() { return memory_; }

 private:
  const std::size_t page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::size_t size_;
  void* memory_ = nullptr;
};
// [/pages]

// [overflow]
/// Calls itself until the stack is used up.
[[gnu::noinline]] int go_deeper(int level) {
  std::array<char, 4096> frame;
  frame[0] = static_cast<char>(level);
  asm volatile("" : : "r"(frame.data()) : "memory");  // the compiler shall not do without it
  return level == 1'000'000 ? 0 : go_deeper(level + 1) + frame[0];
}

void overflow_a_stack() {
  std::array<std::byte, 65536> own;
  install(own);  // each thread needs its own stack for the handler
  attempt("call without an end", [] { go_deeper(0); });
}
// [/overflow]

int main() {
  // [silent]
  constexpr std::size_t pages = 100;
  Memory memory(pages);
  const long before = minor_faults();
  memory.write_to_each_page();
  const long first_time = minor_faults() - before;
  memory.write_to_each_page();
  const long second_time = minor_faults() - before - first_time;
  std::printf("%zu pages written: %ld page faults; once more: %ld\n\n", pages, first_time,
              second_time);
  // [/silent]

  std::array<std::byte, 65536> own;
  install(own);

  // [bad]
  struct Node {
    std::array<char, 24> name;
    int value;
  };
  const Node* node = unknown(static_cast<Node*>(nullptr));
  attempt("read nullptr->value", [&] { read_from(&node->value); });

  node = new (memory.data()) Node{};
  memory.unmap();
  attempt("read what was given back", [&] { read_from(&node->value); });

  static constexpr char constant[] = "constant";
  char* const text = unknown(const_cast<char*>(constant));
  attempt("write to a constant", [&] { write_to(text); });

  Memory data(1);
  const auto function = reinterpret_cast<void (*)()>(unknown(data.data()));
  attempt("call data", [&] { function(); });

  std::thread(overflow_a_stack).join();
  // [/bad]
  std::puts("\nthe program goes on, and ends in order");
}
