// What g++ 12 makes of two forms of co_await, and the forms that work. Each runs in a process of
// its own, which an alarm ends.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <weft/weft.hpp>

// [condition]
weft::Task<bool> is_ready() { co_return true; }

weft::Task<void> greet() {
  std::puts("  begins");
  if (co_await is_ready()) std::puts("  hello");
  std::puts("  ends");
}
// [/condition]

// [statement]
weft::Task<void> greet_rightly() {
  std::puts("  begins");
  const bool ready = co_await is_ready();
  if (ready) std::puts("  hello");
  std::puts("  ends");
}
// [/statement]

// [temporary]
/// Counts how many of its kind there are.
class Ticket {
 public:
  Ticket() { ++count; }
  Ticket(const Ticket&) { ++count; }
  ~Ticket() { --count; }
  Ticket& operator=(const Ticket&) = default;
  static inline int count = 0;
};

struct Order {  // an aggregate: it has no constructor
  Ticket ticket;
  int seats = 1;
};

weft::Task<void> book(Order) { co_return; }

weft::Task<void> book_two(const Ticket& ticket) { co_await book(Order{ticket, 2}); }
// [/temporary]

// [named]
weft::Task<void> book_two_rightly(const Ticket& ticket) {
  Order order{ticket, 2};
  co_await book(std::move(order));
}
// [/named]

void say_hello() { weft::block_on(greet()); }
void say_hello_rightly() { weft::block_on(greet_rightly()); }

template <weft::Task<void> (*Book)(const Ticket&)>
void count_tickets() {
  const Ticket ticket;
  weft::block_on(Book(ticket));
  std::printf("  1 ticket was made by hand; now there are %d\n", Ticket::count);
}

void show(const char* title, void (*program)()) {
  std::puts(title);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    alarm(1);
    program();
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) std::printf("  after a second: %s\n", strsignal(WTERMSIG(status)));
}

int main() {
  show("if (co_await is_ready()) …", say_hello);
  show("const bool ready = co_await is_ready();", say_hello_rightly);
  show("co_await book(Order{ticket, 2});", count_tickets<book_two>);
  show("co_await book(std::move(order));", count_tickets<book_two_rightly>);
}
